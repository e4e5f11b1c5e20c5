#pragma once

#include "apps/berth/client.hpp"
#include "apps/berth/views.hpp"

#include <vector>

namespace berth::cli {

/// The containers of the node; those that have ended only if `all`.
Answer<std::vector<ContainerView>> list_containers(const Client& client, bool all);

} // namespace berth::cli
