#include "messages/caf_error.hpp"

#include <caf/exit_reason.hpp>
#include <caf/message.hpp>
#include <caf/sec.hpp>

namespace berth {

namespace {

const auto category = caf::atom("berth");

} // namespace

caf::error to_caf(const Error& error) {
  return {static_cast<uint8_t>(error.code), category, caf::make_message(error.subject, error.reason, error.next)};
}

Error from_caf(const caf::error& error) {
  if (error.category() == category) {
    auto result = Error{static_cast<ec>(error.code()), {}, {}, {}};
    if (error.context().match_elements<std::string, std::string, std::string>()) {
      result.subject = error.context().get_as<std::string>(0);
      result.reason = error.context().get_as<std::string>(1);
      result.next = error.context().get_as<std::string>(2);
    }
    return result;
  }
  if (error == caf::sec::request_timeout)
    return {ec::deadline_exceeded, "request", "no answer within the deadline of the protocol",
            "the work may still finish: look at `berth events`"};
  if (error == caf::sec::request_receiver_down)
    return {ec::restarting, "request", "the actor that should answer has died", "it is started again: try again"};
  if (error == caf::exit_reason::user_shutdown)
    return {ec::shutting_down, "request", "the actor that should answer has ended", "try again"};
  return {ec::internal, "request", "code " + std::to_string(error.code()) + " of " + caf::to_string(error.category()),
          "this is a defect: please report it"};
}

} // namespace berth
