#include "actors/message_traits.hpp"

#include "messages/registration.hpp"

#include <caf/type_nr.hpp>

#include <cxxabi.h>

#include <cstdlib>
#include <mutex>
#include <typeindex>
#include <unordered_map>

namespace berth {

namespace {

struct KnownType {
  std::string name;
  const Cause* (*cause_of)(const void* message) = nullptr;
};

using KnownTypes = std::unordered_map<std::type_index, KnownType>;

std::string name_of(const std::type_info& type) {
  auto status = 0;
  auto* demangled = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  auto result = std::string{status == 0 ? demangled : type.name()};
  std::free(demangled); // NOLINT: that is how it was allocated
  constexpr auto ours = std::string_view{"berth::"};
  if (result.starts_with(ours))
    result.erase(0, ours.size());
  return result;
}

template <class Message>
void add_message(KnownTypes& types) {
  static_assert(requires(const Message& x) { { x.cause } -> std::convertible_to<const Cause&>; },
                "every message of a protocol says what led to it: give it a last member `Cause cause`");
  types[typeid(Message)] = {name_of(typeid(Message)), [](const void* message) {
                              return &static_cast<const Message*>(message)->cause;
                            }};
}

template <class Signature>
struct InputOf;

template <class Message, class Output>
struct InputOf<caf::typed_mpi<caf::detail::type_list<Message>, Output>> {
  using type = Message;
};

template <class Signatures>
struct Protocol;

template <class... Signatures>
struct Protocol<caf::detail::type_list<Signatures...>> {
  static void add_to(KnownTypes& types) {
    (add_message<typename InputOf<Signatures>::type>(types), ...);
  }
};

template <class... Handles>
KnownTypes types_of() {
  auto result = KnownTypes{};
  (Protocol<typename Handles::signatures>::add_to(result), ...);
  add_message<AreYouThere>(result);
  add_message<DescribeActor>(result);
  return result;
}

/// The names of answers are found one by one, as they come; there are as many as protocols have.
const KnownType& known_type(const std::type_info& type) {
  static auto mutex = std::mutex{};
  static auto types = types_of<ContainerActor, EventActor, ExporterActor, JournalActor, LauncherActor, NodeActor, OomActor,
                               OomSubscriber, PoolActor, ReloadActor, RevisionActor, RuntimeActor, SelectorActor,
                               SelfCheckActor, TraceActor>();
  auto guard = std::lock_guard{mutex};
  auto [found, is_new] = types.try_emplace(type);
  if (is_new)
    found->second.name = name_of(type);
  return found->second;
}

/// By type number: types that CAF knows itself have no type_info in its tuples.
const char* name_of_builtin(uint16_t number) {
  switch (number) {
    case caf::type_nr<caf::error>::value: return "error";
    case caf::type_nr<caf::down_msg>::value: return "down";
    case caf::type_nr<caf::exit_msg>::value: return "exit";
    case caf::type_nr<caf::timeout_msg>::value: return "timeout";
    case caf::type_nr<caf::unit_t>::value: return "done";
    case caf::type_nr<bool>::value: return "bool";
    default: return "value";
  }
}

} // namespace

MessageTraits traits_of(const caf::type_erased_tuple& content) {
  if (content.empty())
    return {"done"};
  auto [number, type] = content.type(0);
  if (type == nullptr)
    return {name_of_builtin(number)};
  const auto& known = known_type(*type);
  return {known.name.c_str(), known.cause_of != nullptr ? known.cause_of(content.get(0)) : nullptr};
}

} // namespace berth
