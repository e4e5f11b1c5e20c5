#pragma once

#include "messages/trace.hpp"

#include <deque>

namespace berth {

/// The spans after `filter`'s choice, in their order.
///
/// For a container these are the traces of requests that were about it (its launch first of all), and of other traces what its
/// actor has sent and got, with everything that led to it and everything that came of it.
std::vector<SpanInfo> select_spans(const std::deque<SpanInfo>& spans, const SpanFilter& filter);

/// Does this span match by itself? For readers that are told of spans one by one.
bool matches(const SpanFilter& filter, const SpanInfo& span);

} // namespace berth
