#include "apps/berth/listing.hpp"

namespace berth::cli {

Answer<std::vector<ContainerView>> list_containers(const Client& client, bool all) {
  auto target = Target{"/v1/containers"};
  if (all)
    target.with("all", "true");
  auto answer = client.get(target);
  if (!answer)
    return tl::unexpected{answer.error()};
  return read_containers(*answer);
}

} // namespace berth::cli
