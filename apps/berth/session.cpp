#include "apps/berth/session.hpp"

#include "apps/berth/exit_codes.hpp"

namespace berth::cli {

int report(const Session& session, const Failure& failure) {
  session.out.flush();
  session.out.complain(failure.message);
  return verb_failed;
}

} // namespace berth::cli
