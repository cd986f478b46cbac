#include "crypto/random.h"
#include "keys/key_list.h"
#include "steps.h"

namespace keyhaven::bench {
namespace {

// Keys as an instance has them after a while: records all over the heap, ids in no order.
void fill(keys::Directory& directory, const InstanceId& instance, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    keys::KeyRecord record;
    record.instance = instance;
    record.id = KeyId{crypto::random_uuid()};
    record.name = "key-" + std::to_string(i);
    record.created = Timestamp::from_seconds(static_cast<std::int64_t>(1'000'000 + i * 7 % count));
    record.created_by = "iam-ServiceId-11111111-1111-4111-8111-111111111111";
    record.versions.emplace_back();
    record.versions.back().blob.bytes.resize(150);
    directory.load(std::move(record));
  }
}

}  // namespace

void measure_lists(double seconds, Steps& steps) {
  for (const auto& [name, count] : {std::pair("50k", 50'000U), std::pair("1m", 1'000'000U)}) {
    keys::Directory directory;
    const InstanceId instance{crypto::random_uuid()};
    fill(directory, instance, count);
    keys::ListQuery query;
    query.visible = [](std::string_view) { return true; };
    const Timestamp now = Timestamp::from_seconds(2'000'000);
    const auto page = [&](const std::string& what, std::size_t offset, std::string_view sort) {
      query.offset = offset;
      query.sort = sort.empty() ? std::vector<keys::SortKey>{} : keys::parse_sort(sort).value();
      const auto list = [&] {
        KH_ASSERT(keys::list_keys(directory, instance, query, now)->keys.size() == 200);
      };
      steps.push_back({"list_" + std::string(name) + "_" + what, measure_us(seconds, 1, list, 1)});
    };
    page("first_page", 0, "");
    page("last_page", count - 200, "");
    page("first_page_sorted", 0, "creationDate");
    page("last_page_sorted", count - 200, "creationDate");
    const auto counting = [&] {
      KH_ASSERT(keys::count_keys(directory, instance, query, now).value() == count);
    };
    steps.push_back({"count_" + std::string(name), measure_us(seconds, 1, counting)});
  }
}

}  // namespace keyhaven::bench
