#include "apps/berthd/node_client.hpp"

#include "actors/observed.hpp"
#include "messages/caf_error.hpp"
#include "messages/journal.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <limits>

namespace berth {

namespace {

/// Lets a short-lived actor ask, so that nobody blocks: its answer raises a flag.
template <class Reply, class Handle, class Message>
Result<Pending<Reply>> begin(caf::actor_system& system, const Handle& actor,
                             std::chrono::milliseconds deadline, const Message& message) {
  // All that the thread did to come to this question.
  auto begun = request_mark;
  auto flag = EventFlag::make();
  if (!flag)
    return failure(std::move(flag.error()));
  auto slot = std::make_shared<ReplySlot<Reply>>(std::move(*flag));
  auto asker = system.spawn([=, trace = Cause{}](Observed<caf::event_based_actor>* self) {
    self->card().set_label({.kind = "api", .trace = trace});
    // As a client of CAF would: the request belongs to the thread that asks.
    auto scope = OnBehalfOf{trace};
    // A watch that is not taken back stays with the watched actor, and with it the memory of whoever watched.
    auto end = [=] {
      self->demonitor(actor.address());
      self->quit();
    };
    auto fail = [=](caf::error& err) {
      slot->put(failure(from_caf(err)));
      end();
    };
    // A promise goes with its actor, and is not answered: only the death tells.
    self->monitor(actor);
    self->set_down_handler([=](const caf::down_msg&) {
      auto down = caf::error{caf::sec::request_receiver_down};
      fail(down);
    });
    self->set_exit_handler([=](const caf::exit_msg&) { end(); });
    if constexpr (std::is_void_v<Reply>)
      self->request(actor, deadline, message)
          .then(
              [=] {
                slot->put({});
                end();
              },
              fail);
    else
      self->request(actor, deadline, message)
          .then(
              [=](Reply& reply) {
                slot->put(std::move(reply));
                end();
              },
              fail);
    record_work(trace, "api: ask", begun, trace_clock());
  });
  return Pending<Reply>{slot, [asker] {
                          caf::anon_send_exit(asker, caf::exit_reason::user_shutdown);
                        }};
}

/// Gathers what pools say until all have answered, or their time is over.
Result<Pending<PoolAnswers>> begin_survey(caf::actor_system& system, const NodeActor& node, std::chrono::milliseconds patience) {
  auto flag = EventFlag::make();
  if (!flag)
    return failure(std::move(flag.error()));
  auto slot = std::make_shared<ReplySlot<PoolAnswers>>(std::move(*flag));
  auto asker = system.spawn([=, trace = Cause{}](caf::event_based_actor* self) {
    auto scope = OnBehalfOf{trace};
    struct Survey {
      PoolAnswers answers;
      size_t open = 0;
    };
    auto survey = std::make_shared<Survey>();
    auto answered = [=] {
      if (--survey->open > 0)
        return;
      slot->put(std::move(survey->answers));
      self->quit();
    };
    self->request(node, patience, FindPools{})
        .then(
            [=](const PoolActors& pools) {
              auto inner = OnBehalfOf{trace};
              // One more, for the case that there are none.
              survey->open = pools.size() + 1;
              for (const auto& [name, pool] : pools) {
                auto& answer = survey->answers[name];
                self->request(pool, patience, DescribePool{})
                    .then(
                        [=, &answer](PoolInfo& info) {
                          answer = std::move(info);
                          answered();
                        },
                        [=](caf::error&) { answered(); });
              }
              answered();
            },
            [=](caf::error& err) {
              slot->put(failure(from_caf(err)));
              self->quit();
            });
  });
  return Pending<PoolAnswers>{slot, [asker] { caf::anon_send_exit(asker, caf::exit_reason::user_shutdown); }};
}

} // namespace

// -- output reader ------------------------------------------------------------------------------

OutputReader::OutputReader(caf::actor_system& system)
    // Takes no messages: what counts is whether it lives.
    : actor_(system.spawn([](caf::event_based_actor* self) -> caf::behavior {
        self->set_default_handler(caf::drop);
        return {[](caf::unit_t) {
        }};
      })) {
  // nop
}

OutputReader::~OutputReader() {
  caf::anon_send_exit(actor_, caf::exit_reason::user_shutdown);
}

caf::strong_actor_ptr OutputReader::address() const {
  return caf::actor_cast<caf::strong_actor_ptr>(actor_);
}

// -- asking -------------------------------------------------------------------------------------

template <class Reply>
Result<Reply> NodeClient::await(Result<Pending<Reply>> pending) const {
  if (!pending)
    return failure(std::move(pending.error()));
  // CAF answers every request, if only with a timeout.
  auto ready = client_.wait_beside({&pending->fd()}, wait_forever);
  if (!ready)
    return failure(std::move(ready.error()));
  request_mark = trace_clock();
  record_work(this_point, "api: wake up", pending->put_at().time_since_epoch().count(), request_mark);
  return pending->take();
}

template <class Reply, class Handle, class Message>
Result<Reply> NodeClient::ask(const Handle& actor, std::chrono::milliseconds deadline,
                              const Message& message) const {
  return await(begin<Reply>(system_, actor, deadline, message));
}

Result<ContainerActor> NodeClient::find(const ContainerId& id, const caf::actor_addr& except) const {
  return ask<ContainerActor>(node_, describe_deadline, FindContainer{id, except});
}

template <class Reply, class Message>
std::optional<Result<Reply>> NodeClient::ask_until_gone(const ContainerId& id, std::chrono::milliseconds deadline,
                                                        const Message& message) const {
  auto died = caf::actor_addr{};
  // What is asked of a container means the same when it is asked twice, so it is asked again where an actor has died.
  for (;;) {
    auto container = find(id, died);
    if (!container && died && container.error().code == ec::unknown_container)
      return std::nullopt;
    if (!container && died && container.error().code == ec::deadline_exceeded)
      return Result<Reply>{failure(ec::restarting, "container \"" + id.value + "\"", "its actor has died and is not back yet",
                                   "the container itself goes on: try again")};
    if (!container)
      return Result<Reply>{failure(std::move(container.error()))};
    auto result = ask<Reply>(*container, deadline, message);
    if (result || result.error().code != ec::restarting)
      return result;
    died = container->address();
  }
}

template <class Reply, class Message>
Result<Reply> NodeClient::ask_container(const ContainerId& id, std::chrono::milliseconds deadline,
                                        const Message& message) const {
  if (auto result = ask_until_gone<Reply>(id, deadline, message))
    return std::move(*result);
  return failure(ec::unknown_container, "container \"" + id.value + "\"", "it was removed while this was asked of it",
                 "see `berth ps -a`");
}

// -- requests -----------------------------------------------------------------------------------

Result<PoolInfos> NodeClient::pools() const {
  return ask<PoolInfos>(node_, 2 * describe_deadline, ListPools{});
}

Result<PoolAnswers> NodeClient::ask_pools(std::chrono::milliseconds patience) const {
  return await(begin_survey(system_, node_, patience));
}

Result<ContainerInfos> NodeClient::containers(bool all, const PoolName& pool) const {
  return ask<ContainerInfos>(node_, 2 * describe_deadline, ListContainers{all, pool});
}

Result<ContainerInfo> NodeClient::describe(const ContainerId& id) const {
  return ask_container<ContainerInfo>(id, describe_deadline, DescribeContainer{});
}

Result<ContainerInfo> NodeClient::launch(LaunchSpec spec, caf::strong_actor_ptr reader,
                                         std::chrono::milliseconds deadline) const {
  return ask<ContainerInfo>(node_, deadline, LaunchOrder{std::move(spec), std::move(reader)});
}

Result<Explanation> NodeClient::explain(const ExplainLaunch& launch) const {
  return ask<Explanation>(node_, explain_deadline + describe_deadline, launch);
}

Result<ContainerInfo> NodeClient::stop(const ContainerId& id, std::chrono::milliseconds grace,
                                       std::chrono::milliseconds deadline) const {
  return ask_container<ContainerInfo>(id, deadline, StopContainer{grace});
}

Result<void> NodeClient::signal(const ContainerId& id, int signal) const {
  return ask_container<void>(id, container_deadline, SignalContainer{signal});
}

Result<void> NodeClient::remove(const ContainerId& id, bool force) const {
  if (force) {
    auto cancelled = ask<bool>(node_, describe_deadline, CancelLaunch{id});
    if (!cancelled)
      return failure(std::move(cancelled.error()));
    if (*cancelled)
      return {};
  }
  // One that has gone when its actor is asked again was removed by the first time.
  return ask_until_gone<void>(id, container_deadline, RemoveContainer{force}).value_or(Result<void>{});
}

void NodeClient::release_output(const ContainerId& id) const {
  if (auto container = find(id))
    caf::anon_send(*container, ReleaseOutput{});
}

Result<Plan> NodeClient::plan(PlanConfig order) const {
  return ask<Plan>(revisions_, order.timeout + change_slack, order);
}

Result<Receipt> NodeClient::apply(ApplyConfig order) const {
  return ask<Receipt>(revisions_, order.options.timeout + change_slack, order);
}

Result<Receipt> NodeClient::roll_back(RollBack order) const {
  return ask<Receipt>(revisions_, order.options.timeout + change_slack, order);
}

Result<Receipt> NodeClient::reload(const ReloadActor& actor, Reload order) const {
  return ask<Receipt>(actor, config_read_deadline + order.options.timeout + change_slack, order);
}

Result<Health> NodeClient::health(const SelfCheckActor& actor) const {
  return ask<Health>(actor, health_deadline, CheckHealth{});
}

namespace {

/// TRACE is not started again: its spans would be gone all the same, and nothing else needs it.
template <class Reply>
Result<Reply> or_trace_death(Result<Reply> answer) {
  if (!answer && answer.error().code == ec::restarting)
    return failure(ec::internal, "tracing", "the actor that keeps spans has died; the log of berthd says of what",
                   "start berthd again: its containers go on");
  return answer;
}

} // namespace

Result<SpanBatch> NodeClient::spans(const TraceActor& actor, const ReadSpans& wish) const {
  return or_trace_death(ask<SpanBatch>(actor, span_deadline, wish));
}

Result<TracingState> NodeClient::tracing(const TraceActor& actor) const {
  return or_trace_death(ask<TracingState>(actor, describe_deadline, DescribeTracing{}));
}

Result<TracingState> NodeClient::set_tracing(const TraceActor& actor, TracingMode mode) const {
  return or_trace_death(ask<TracingState>(actor, describe_deadline, SetTracing{mode}));
}

Result<ActorState> NodeClient::describe(const caf::actor& actor) const {
  return ask<ActorState>(actor, describe_actor_deadline, DescribeActor{});
}

Result<RevisionInfos> NodeClient::revisions() const {
  return ask<RevisionInfos>(revisions_, describe_deadline, ListRevisions{});
}

Result<DrainReport> NodeClient::drain(std::chrono::milliseconds deadline) const {
  return ask<DrainReport>(node_, drain_limit, DrainNode{deadline, true});
}

Result<void> NodeClient::undrain() const {
  return ask<void>(node_, journal_deadline, UndrainNode{});
}

Result<Pending<EventBatch>> NodeClient::begin_events(const ReadEvents& wish) const {
  return begin<EventBatch>(system_, events_, event_deadline, wish);
}

Result<EventBatch> NodeClient::events(const ReadEvents& wish) const {
  return await(begin_events(wish));
}

Result<uint64_t> NodeClient::event_cursor() const {
  // A cursor from the future means "from now on".
  auto wish = ReadEvents{};
  wish.since = std::numeric_limits<uint64_t>::max();
  auto batch = events(wish);
  if (!batch)
    return failure(std::move(batch.error()));
  return batch->cursor;
}

} // namespace berth
