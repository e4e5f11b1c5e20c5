#pragma once

#include "config/settings.hpp"
#include "messages/container_info.hpp"
#include "messages/explanation.hpp"
#include "messages/pool.hpp"

namespace berth {

/// What all explanations of one generation of a pool have in common.
struct GenerationFacts {
  uint64_t generation = 0;
  /// 0: not known.
  uint64_t revision = 0;
  std::shared_ptr<const PoolSettings> settings;
  /// The configured runtime first.
  std::vector<RuntimeFact> runtimes;
};

/// Why a launch of the pool gets what it gets. Beyond the selection, `refusal` is what it is refused with; it comes before a
/// refusal of the selection, as it does in a launch.
Explanation explain_launch(const GenerationFacts& facts, const ExplainLaunch& launch, const SelectionTrail& trail,
                           const std::optional<Error>& refusal);

/// The explanation of a launch that no pool has seen.
Explanation explain_refusal(const ExplainLaunch& launch, const Error& error);

/// The explanation that was recorded with the container; of one that an earlier berthd has launched, what can be told by its
/// selection.
Explanation explanation_of(const ContainerInfo& container);

} // namespace berth
