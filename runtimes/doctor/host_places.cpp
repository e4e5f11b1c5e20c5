#include "runtimes/doctor/host_places.hpp"

namespace berth {

HostPlaces places_below(const std::string& prefix, HostPlaces places) {
  places.prefix = prefix;
  places.proc = prefix + places.proc;
  places.dev = prefix + places.dev;
  for (auto* list : {&places.cdi, &places.cni})
    for (auto& directory : *list)
      directory = prefix + directory;
  return places;
}

} // namespace berth
