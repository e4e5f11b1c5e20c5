#include "messages/registration.hpp"

#include <caf/actor_system_config.hpp>

namespace berth {

void register_messages(caf::actor_system_config& config) {
  config.add_message_types<caf::id_block::berth>();
}

} // namespace berth
