#pragma once

#include "messages/actors.hpp"
#include "messages/event.hpp"
#include "messages/journal.hpp"
#include "messages/launcher.hpp"
#include "messages/node.hpp"
#include "messages/reload.hpp"
#include "messages/revision.hpp"
#include "messages/runtime.hpp"
#include "messages/selector.hpp"
#include "messages/self_check.hpp"
#include "messages/trace.hpp"

#include <caf/type_id.hpp>

namespace caf {

class actor_system_config;

} // namespace caf

CAF_BEGIN_TYPE_ID_BLOCK(berth, caf::first_custom_type_id)
  CAF_ADD_TYPE_ID(berth, (berth::AbortGeneration))
  CAF_ADD_TYPE_ID(berth, (berth::ActorState))
  CAF_ADD_TYPE_ID(berth, (berth::ApplyConfig))
  CAF_ADD_TYPE_ID(berth, (berth::AreYouThere))
  CAF_ADD_TYPE_ID(berth, (berth::AwaitReady))
  CAF_ADD_TYPE_ID(berth, (berth::BeginLaunch))
  CAF_ADD_TYPE_ID(berth, (berth::CancelLaunch))
  CAF_ADD_TYPE_ID(berth, (berth::CheckDue))
  CAF_ADD_TYPE_ID(berth, (berth::CheckHealth))
  CAF_ADD_TYPE_ID(berth, (berth::CheckLate))
  CAF_ADD_TYPE_ID(berth, (berth::CommitGeneration))
  CAF_ADD_TYPE_ID(berth, (berth::ContainerActor))
  CAF_ADD_TYPE_ID(berth, (berth::ContainerEnded))
  CAF_ADD_TYPE_ID(berth, (berth::ContainerInfo))
  CAF_ADD_TYPE_ID(berth, (berth::ContainerInfos))
  CAF_ADD_TYPE_ID(berth, (berth::ContainerRemoved))
  CAF_ADD_TYPE_ID(berth, (berth::ContainerTimeout))
  CAF_ADD_TYPE_ID(berth, (berth::DescribeActor))
  CAF_ADD_TYPE_ID(berth, (berth::DescribeContainer))
  CAF_ADD_TYPE_ID(berth, (berth::DescribePool))
  CAF_ADD_TYPE_ID(berth, (berth::DescribeTracing))
  CAF_ADD_TYPE_ID(berth, (berth::DrainNode))
  CAF_ADD_TYPE_ID(berth, (berth::DrainReport))
  CAF_ADD_TYPE_ID(berth, (berth::Event))
  CAF_ADD_TYPE_ID(berth, (berth::EventBatch))
  CAF_ADD_TYPE_ID(berth, (berth::EventWaitOver))
  CAF_ADD_TYPE_ID(berth, (berth::EventsRecorded))
  CAF_ADD_TYPE_ID(berth, (berth::ExplainLaunch))
  CAF_ADD_TYPE_ID(berth, (berth::Explanation))
  CAF_ADD_TYPE_ID(berth, (berth::ExportSpans))
  CAF_ADD_TYPE_ID(berth, (berth::FetchSpans))
  CAF_ADD_TYPE_ID(berth, (berth::FindContainer))
  CAF_ADD_TYPE_ID(berth, (berth::FindPools))
  CAF_ADD_TYPE_ID(berth, (berth::FinishOom))
  CAF_ADD_TYPE_ID(berth, (berth::FlushJournal))
  CAF_ADD_TYPE_ID(berth, (berth::Health))
  CAF_ADD_TYPE_ID(berth, (berth::LaunchNeeds))
  CAF_ADD_TYPE_ID(berth, (berth::LaunchOrder))
  CAF_ADD_TYPE_ID(berth, (berth::ListActors))
  CAF_ADD_TYPE_ID(berth, (berth::ListContainers))
  CAF_ADD_TYPE_ID(berth, (berth::ListPools))
  CAF_ADD_TYPE_ID(berth, (berth::ListRevisions))
  CAF_ADD_TYPE_ID(berth, (berth::MonitorGone))
  CAF_ADD_TYPE_ID(berth, (berth::MonitorPacket))
  CAF_ADD_TYPE_ID(berth, (berth::OldEvents))
  CAF_ADD_TYPE_ID(berth, (berth::OomCredit))
  CAF_ADD_TYPE_ID(berth, (berth::OomGap))
  CAF_ADD_TYPE_ID(berth, (berth::OomKill))
  CAF_ADD_TYPE_ID(berth, (berth::OomRecheck))
  CAF_ADD_TYPE_ID(berth, (berth::OomStirred))
  CAF_ADD_TYPE_ID(berth, (berth::OomSummary))
  CAF_ADD_TYPE_ID(berth, (berth::OwnedActors))
  CAF_ADD_TYPE_ID(berth, (berth::Plan))
  CAF_ADD_TYPE_ID(berth, (berth::PlanConfig))
  CAF_ADD_TYPE_ID(berth, (berth::PoolActor))
  CAF_ADD_TYPE_ID(berth, (berth::PoolActors))
  CAF_ADD_TYPE_ID(berth, (berth::PoolInfo))
  CAF_ADD_TYPE_ID(berth, (berth::PoolInfos))
  CAF_ADD_TYPE_ID(berth, (berth::PoolReceipt))
  CAF_ADD_TYPE_ID(berth, (berth::PrepareRuntime))
  CAF_ADD_TYPE_ID(berth, (berth::PreparedGeneration))
  CAF_ADD_TYPE_ID(berth, (berth::PreparedRuntime))
  CAF_ADD_TYPE_ID(berth, (berth::QueueTimeout))
  CAF_ADD_TYPE_ID(berth, (berth::ReadEvents))
  CAF_ADD_TYPE_ID(berth, (berth::ReadOldEvents))
  CAF_ADD_TYPE_ID(berth, (berth::ReadSpans))
  CAF_ADD_TYPE_ID(berth, (berth::RecallContainer))
  CAF_ADD_TYPE_ID(berth, (berth::RecallPools))
  CAF_ADD_TYPE_ID(berth, (berth::Receipt))
  CAF_ADD_TYPE_ID(berth, (berth::ReleaseOutput))
  CAF_ADD_TYPE_ID(berth, (berth::Reload))
  CAF_ADD_TYPE_ID(berth, (berth::RemoveContainer))
  CAF_ADD_TYPE_ID(berth, (berth::RemoveFiles))
  CAF_ADD_TYPE_ID(berth, (berth::RestartDue))
  CAF_ADD_TYPE_ID(berth, (berth::RetirePool))
  CAF_ADD_TYPE_ID(berth, (berth::RetryJournal))
  CAF_ADD_TYPE_ID(berth, (berth::ReturnStartSlot))
  CAF_ADD_TYPE_ID(berth, (berth::RevisionInfo))
  CAF_ADD_TYPE_ID(berth, (berth::RevisionInfos))
  CAF_ADD_TYPE_ID(berth, (berth::RollBack))
  CAF_ADD_TYPE_ID(berth, (berth::Selection))
  CAF_ADD_TYPE_ID(berth, (berth::SelectionTrail))
  CAF_ADD_TYPE_ID(berth, (berth::SetTracing))
  CAF_ADD_TYPE_ID(berth, (berth::SignalContainer))
  CAF_ADD_TYPE_ID(berth, (berth::SpanBatch))
  CAF_ADD_TYPE_ID(berth, (berth::SpanWaitOver))
  CAF_ADD_TYPE_ID(berth, (berth::SpansRecorded))
  CAF_ADD_TYPE_ID(berth, (berth::StartMonitor))
  CAF_ADD_TYPE_ID(berth, (berth::StartSlot))
  CAF_ADD_TYPE_ID(berth, (berth::StopContainer))
  CAF_ADD_TYPE_ID(berth, (berth::SweepContainer))
  CAF_ADD_TYPE_ID(berth, (berth::SweptContainer))
  CAF_ADD_TYPE_ID(berth, (berth::TakeStartSlot))
  CAF_ADD_TYPE_ID(berth, (berth::TellEvents))
  CAF_ADD_TYPE_ID(berth, (berth::TracingState))
  CAF_ADD_TYPE_ID(berth, (berth::UndrainNode))
  CAF_ADD_TYPE_ID(berth, (berth::UseNeighbours))
  CAF_ADD_TYPE_ID(berth, (berth::UseOom))
  CAF_ADD_TYPE_ID(berth, (berth::WatchOom))
CAF_END_TYPE_ID_BLOCK(berth)

namespace berth {

/// Makes every message type known to an actor system by name, for the wire and for the mailboxes.
void register_messages(caf::actor_system_config& config);

} // namespace berth
