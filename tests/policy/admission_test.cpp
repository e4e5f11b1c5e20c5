#include "actors/policy/admission.hpp"

#include "tests/support/catch.hpp"

using namespace berth;

TEST_CASE("admission to a pool", "[policy]") {
  struct Row {
    const char* what;
    bool preparing;
    uint64_t taken, queued, max, length;
    Admission wanted;
  };
  auto row = GENERATE(Row{"no limit", false, 5000, 0, 0, 0, Admission::start},
                      Row{"a free place", false, 1, 0, 2, 0, Admission::start},
                      Row{"full without a queue", false, 2, 0, 2, 0, Admission::refuse},
                      Row{"full with a queue", false, 2, 0, 2, 1, Admission::queue},
                      Row{"queue full", false, 2, 1, 2, 1, Admission::refuse},
                      Row{"nobody overtakes the queue", false, 1, 1, 2, 4, Admission::queue},
                      Row{"early launches wait", true, 0, 0, 2, 0, Admission::queue},
                      Row{"but not without bound", true, 0, 1000, 2, 0, Admission::refuse});
  INFO(row.what);
  CHECK(static_cast<int>(admit(row.preparing, row.taken, row.queued, row.max, row.length))
        == static_cast<int>(row.wanted));
}
