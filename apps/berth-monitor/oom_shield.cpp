#include "apps/berth-monitor/oom_shield.hpp"

#include "runtimes/linux/file.hpp"

namespace berth {

namespace {

constexpr auto adjustment = "/proc/self/oom_score_adj";
/// One less than "never", which is for those without whom the host is lost.
constexpr auto shielded = "-999";

} // namespace

OomShield::OomShield() {
  auto inherited = read_file(adjustment, 64);
  if (inherited && write_file(adjustment, shielded))
    inherited_ = *inherited;
}

OomShield::Lowered::Lowered(OomShield& shield) : shield_(shield) {
  if (!shield_.inherited_.empty())
    static_cast<void>(write_file(adjustment, shield_.inherited_));
}

OomShield::Lowered::~Lowered() {
  if (!shield_.inherited_.empty())
    static_cast<void>(write_file(adjustment, shielded));
}

} // namespace berth
