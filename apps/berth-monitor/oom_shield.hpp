#pragma once

#include <string>

namespace berth {

/// Makes the kernel spare this process when the whole host is out of memory, as far as it is
/// allowed to ask for that. A child inherits this, and a container must not, so children are made
/// while the shield is down.
class OomShield {
public:
  OomShield();

  /// Takes the shield down for as long as it lives.
  class Lowered {
  public:
    explicit Lowered(OomShield& shield);
    ~Lowered();

    Lowered(const Lowered&) = delete;
    Lowered& operator=(const Lowered&) = delete;

  private:
    OomShield& shield_;
  };

private:
  std::string inherited_; // empty: we may not change it
};

} // namespace berth
