#include "messages/event.hpp"

#include <algorithm>

namespace berth {

bool matches(const EventFilter& filter, const Event& event) {
  auto is_type = [&](const std::string& type) {
    return type.ends_with('.') ? event.type.starts_with(type) : event.type == type;
  };
  return (filter.types.empty() || std::any_of(filter.types.begin(), filter.types.end(), is_type))
         && (filter.pool.value.empty() || filter.pool == event.pool)
         && (filter.container.value.empty() || filter.container == event.container);
}

} // namespace berth
