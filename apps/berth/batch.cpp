#include "apps/berth/batch.hpp"

#include "apps/berth/exit_codes.hpp"
#include "apps/berth/views.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

namespace berth::cli {

namespace {

std::vector<std::string> without_repetitions(const std::vector<std::string>& ids) {
  auto result = std::vector<std::string>{};
  for (auto& id : ids)
    if (std::find(result.begin(), result.end(), id) == result.end())
      result.push_back(id);
  return result;
}

} // namespace

int perform_batch(const Session& session, const std::vector<std::string>& all_ids, bool json, const Batch& batch) {
  auto ids = without_repetitions(all_ids);
  auto promises = std::vector<std::promise<Answer<std::string>>>(ids.size());
  auto next = std::atomic<size_t>{0};
  auto workers = std::vector<std::jthread>{};
  for (size_t i = 0; i < std::min(batch.parallel, ids.size()); ++i)
    workers.emplace_back([&] {
      for (auto mine = next++; mine < ids.size(); mine = next++)
        promises[mine].set_value(batch.work(ids[mine]));
    });
  auto code = success;
  auto results = std::vector<std::string>{};
  for (size_t i = 0; i < ids.size(); ++i) {
    auto answer = promises[i].get_future().get();
    if (!answer)
      code = report(session, answer.error());
    else if (json)
      results.push_back(*answer);
    else if (batch.print)
      session.out.write(batch.print(ids[i], *answer));
    session.out.flush();
  }
  auto is_single = all_ids.size() == 1 && !batch.always_list;
  if (json && !is_single)
    session.out.write(pretty_list(results));
  else if (json && !results.empty())
    session.out.write(pretty(results.front()));
  return code;
}

std::string id_object(const std::string& id) {
  return nlohmann::json{{"id", id}}.dump();
}

} // namespace berth::cli
