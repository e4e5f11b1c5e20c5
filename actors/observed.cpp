#include "actors/observed.hpp"

#include "actors/message_traits.hpp"
#include "messages/caf_error.hpp"

namespace berth {

namespace {

ActorCardPtr card_of(const caf::strong_actor_ptr& actor) {
  auto* observed = actor ? dynamic_cast<ObservedActor*>(actor->get()) : nullptr;
  return observed != nullptr ? observed->card().shared_from_this() : nullptr;
}

/// The code of an error that is sent as an answer.
const char* code_of(const caf::type_erased_tuple& content) {
  if (content.empty() || !content.match_element<caf::error>(0))
    return nullptr;
  return to_string(from_caf(content.get_as<caf::error>(0)).code);
}

class RecordedElement;

/// The wrapped element of the message that the thread handles.
thread_local RecordedElement* handled = nullptr;

class RecordedElement final : public caf::mailbox_element {
public:
  RecordedElement(caf::mailbox_element_ptr inner, RecordedSpan span)
      : mailbox_element(std::move(inner->sender), inner->mid, std::move(inner->stages)),
        inner_(std::move(inner)),
        span_(std::move(span)) {
    // nop
  }

  ~RecordedElement() override {
    span_.ended = trace_clock();
    if (span_.began == 0) {
      span_.began = span_.ended;
      span_.outcome = SpanOutcome::dropped;
    }
    if (handled == this) {
      handled = nullptr;
      this_point = {};
    }
    trace_recorder().put(std::move(span_));
  }

  void note_crash() noexcept {
    span_.outcome = SpanOutcome::crashed;
  }

  /// What a receiver calls before it handles the message; also later, for one that it has put back.
  caf::type_erased_tuple& content() override {
    if (handled != this) {
      handled = this;
      this_point = span_.point;
      span_.began = trace_clock();
    }
    return inner_->content();
  }

  const caf::type_erased_tuple& content() const override {
    return std::as_const(*inner_).content();
  }

  caf::message move_content_to_message() override {
    return inner_->move_content_to_message();
  }

  caf::message copy_content_to_message() const override {
    return inner_->copy_content_to_message();
  }

private:
  caf::mailbox_element_ptr inner_;
  RecordedSpan span_;
};

/// What led to this message: what the sender is at; else what the message says itself, as one that waited for its time does;
/// else what the receiver is there for. An answer belongs to its question.
TracePoint cause_of(const caf::mailbox_element& element, const MessageTraits& traits, ActorCard& receiver) {
  if (element.mid.is_response())
    if (auto point = receiver.take_expected(element.mid.request_id().integer_value()); point.trace)
      return point;
  if (this_point.trace)
    return this_point;
  if (traits.cause != nullptr && traits.cause->trace)
    return *traits.cause;
  auto point = receiver.label().trace;
  // It may have been made before everything was recorded.
  point.is_recorded = point.trace && (point.is_recorded || trace_recorder().admit(false));
  return point;
}

} // namespace

log::Context log_context_of_actor() {
  if (this_actor == nullptr)
    return {};
  const auto& label = this_actor->label();
  // The log knows fewer parts than there are kinds of actors.
  auto component = std::string_view{label.kind};
  for (auto [kind, part] : {std::pair{"self-check", "self_check"}, std::pair{"probe", "runtime"}, std::pair{"reader", "reload"}})
    if (component == kind)
      component = part;
  return {component, label.container.value, label.pool.value, label.trace_id};
}

void note_crash() {
  if (handled != nullptr)
    handled->note_crash();
}

void note_restarts(const caf::strong_actor_ptr& actor, uint64_t restarts) {
  if (auto card = card_of(actor))
    card->set_restarts(restarts);
}

caf::mailbox_element_ptr trace_message(caf::mailbox_element_ptr element, const ActorCardPtr& receiver) {
  const auto& content = std::as_const(*element).content();
  auto traits = traits_of(content);
  auto cause = cause_of(*element, traits, *receiver);
  if (!cause.trace)
    cause = {make_trace_id(), 0, trace_recorder().admit(false)};
  if (!cause.is_recorded)
    return element;
  auto span = RecordedSpan{};
  span.point = {cause.trace, make_span_id(), true};
  span.parent = cause.span;
  span.kind = element->mid.is_response() ? SpanKind::answer : SpanKind::message;
  span.name = traits.name;
  span.from = card_of(element->sender);
  span.to = receiver;
  span.queued = trace_clock();
  if (const auto* code = code_of(content)) {
    span.outcome = SpanOutcome::failed;
    span.code = code;
  }
  if (element->mid.is_request() && element->sender)
    if (auto asker = card_of(element->sender))
      asker->expect(element->mid.request_id().integer_value(), span.point);
  return caf::mailbox_element_ptr{new RecordedElement{std::move(element), std::move(span)}};
}

} // namespace berth
