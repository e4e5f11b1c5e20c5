#pragma once

#include "messages/span.hpp"

#include <vector>

namespace berth {

/// Who the spans are of: the resource attributes service.name, service.version and host.name of OpenTelemetry.
struct OtlpResource {
  std::string service;
  std::string version;
  std::string host;
};

/// The spans as an ExportTraceServiceRequest of OTLP (version 1) in its JSON form: ids in hexadecimal, 64-bit numbers as texts.
///
/// A span of OpenTelemetry has one duration, so one of ours lasts from being sent to its end, with an event where its handling
/// begins. The ends of a message are attributes by the conventions for messaging and, where there are none, by the names of
/// Berth's API.
std::string to_otlp(const std::vector<SpanInfo>& spans, const OtlpResource& resource);

} // namespace berth
