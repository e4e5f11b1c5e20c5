#include "actors/reload_actor.hpp"

#include "actors/guard.hpp"

#include <caf/typed_response_promise.hpp>

namespace berth {

namespace {

using ReaderActor = caf::typed_actor<caf::replies_to<Reload>::with<ApplyConfig>>;

/// Answers once, from its own thread, and ends.
ReaderActor::behavior_type reader_actor(Observed<ReaderActor::base>* self, ReadConfig read) {
  guard(self, ActorLabel{.kind = "reader"});
  return {
    [=](Reload& order) -> caf::result<ApplyConfig> {
      self->quit();
      auto files = read();
      if (!files)
        return to_caf(files.error());
      order.options.from_files = true;
      return ApplyConfig{std::move(*files), std::move(order.options)};
    },
  };
}

void note(const Result<void>& told) {
  if (!told)
    log::warn("service manager was not told of a reload", {{"error", render(told.error())}});
}

} // namespace

ReloadActor::behavior_type reload_actor(SelfPointer<ReloadActor, ReloadState> self, RevisionActor revisions,
                                        ReadConfig read, std::shared_ptr<ServiceManager> service) {
  guard(self, ActorLabel{});
  return {
    [=](const Reload& order) -> caf::result<Receipt> {
      auto promise = self->make_response_promise<Receipt>();
      auto origin = order.options.origin;
      auto change_deadline = order.options.timeout + change_slack;
      auto done = [=](Receipt& receipt) mutable {
        auto number = std::to_string(receipt.revision);
        // Of a change REVISION tells itself.
        if (receipt.revision == receipt.previous)
          log::info("configuration is as it was", {{"origin", origin}, {"revision", number}});
        note(service->end_reload("Revision " + number + " is in effect"));
        promise.deliver(std::move(receipt));
      };
      auto refused = [=](caf::error& err) mutable {
        note(service->end_reload("Not reloaded, nothing has changed: " + render(from_caf(err))));
        promise.deliver(std::move(err));
      };
      note(service->begin_reload("Reloads its configuration (" + origin + ")"));
      self->request(self->spawn<caf::detached>(reader_actor, read), config_read_deadline, order)
        .then(
          [=](ApplyConfig& apply) {
            self->request(revisions, change_deadline, std::move(apply)).then(done, refused);
          },
          [=](caf::error& err) mutable {
            log::error("configuration was not applied, nothing has changed",
                       {{"origin", origin}, {"error", render(from_caf(err))}});
            refused(err);
          });
      return promise;
    },
  };
}

} // namespace berth
