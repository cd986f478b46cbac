#include "migrate/pairs.h"

#include <fstream>
#include <map>
#include <set>

#include "migrate/csv.h"

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kMostPairs = 1'000'000;

// crn:v1:bluemix:public:<service>:<region>:a/<account>:<instance>:key:<key>
Result<std::string> key_of(const std::string& crn, const std::string& instance, const char* side) {
  std::vector<std::string> parts(1);
  for (const char c : crn) {
    if (c == ':') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  const auto bad = [&](const std::string& why) {
    return Error{Reason::InvalidArgument, std::string("the ") + side + " " + why, {}};
  };
  if (parts.size() != 10 || parts[0] != "crn" || parts[8] != "key" || parts[9].empty())
    return bad("column must be the CRN of a key (crn:v1:...:INSTANCE:key:KEY)");
  if (parts[7] != instance) {
    return bad("key is of instance " + parts[7].substr(0, 80) + ", the plan is for " + instance);
  }
  return parts[9];
}

using KeysById = std::map<std::string, client::Key>;

Result<KeysById> keys_of(const Side& side) {
  client::ApiClient api = KH_TRY(side.connect());
  KeysById out;
  for (client::Key& key : KH_TRY(read_keys(api))) {
    std::string id = key.id;
    out.emplace(std::move(id), std::move(key));
  }
  return out;
}

PlannedKey plan_pair(const CrnPair& pair, const std::map<std::string, SourceKey>& sources,
                     const KeysById& targets, Timestamp now) {
  const auto source = sources.find(pair.source);
  const auto target = targets.find(pair.target);
  PlannedKey out;
  if (source == sources.end()) {
    out.source = pair.source;
    out.crn = pair.source_crn;
    out.action = KeyAction::Existing;
    block(out, "the source has no such key; remove the entry");
  } else {
    out = plan_key(source->second, 0, now);
    out.blocked.clear();
    out.when_expired.clear();
    out.lost.clear();
    out.policies = {};
    out.action = KeyAction::Existing;
    if (!out.root) block(out, "the source's key is a standard key, which wraps nothing");
    if (source->second.key.state == client::kDestroyed)
      block(out, "the source's key is destroyed: its DEKs do not open");
  }
  out.target = pair.target;
  if (target == targets.end()) {
    block(out, "the target has no key " + pair.target);
  } else if (!target->second.is_root() || target->second.state != client::kActive) {
    block(out, "the target's key is no active root key");
  }
  return out;
}

}  // namespace

Result<std::vector<CrnPair>> load_pairs(const std::string& path, const std::string& source_instance,
                                        const std::string& target_instance) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{Reason::Io, "cannot read " + path, {}};
  CsvReader reader(in);
  std::vector<CrnPair> pairs;
  std::set<std::string> sources;
  while (true) {
    auto record = reader.next();
    const auto bad = [&](const std::string& why) {
      return Error{
          Reason::InvalidArgument, path + ":" + std::to_string(reader.line()) + ": " + why, {}};
    };
    if (!record) return bad(record.error().message);
    if (!*record) break;
    const std::vector<std::string>& fields = (**record).fields;
    if (fields.size() != 2) return bad("a row is the source's CRN, the target's CRN");
    CrnPair pair{(**record).line, fields[0], {}, fields[1], {}};
    auto source = key_of(fields[0], source_instance, "source");
    if (!source) return bad(source.error().message);
    auto target = key_of(fields[1], target_instance, "target");
    if (!target) return bad(target.error().message);
    pair.source = std::move(*source);
    pair.target = std::move(*target);
    if (!sources.insert(pair.source).second) return bad("the source key is there twice");
    pairs.push_back(std::move(pair));
    if (pairs.size() > kMostPairs) return bad("more than 1,000,000 pairs");
  }
  if (pairs.empty())
    return Error{Reason::InvalidArgument, path + " has no row; a row is two CRNs", {}};
  return pairs;
}

Result<Plan> make_pair_plan(const Side& source, const Side& target, const EndpointRef& source_ref,
                            const EndpointRef& target_ref, const std::string& plan_id,
                            const std::vector<CrnPair>& pairs, const InventoryCount& inventory,
                            Timestamp now, unsigned jobs) {
  Plan plan;
  plan.id = plan_id;
  plan.made = now;
  plan.source = source_ref;
  plan.target = target_ref;
  std::map<std::string, SourceKey> sources;
  for (SourceKey& key : KH_TRY(read_source_keys(source, jobs))) {
    std::string id = key.key.id;
    sources.emplace(std::move(id), std::move(key));
  }
  const KeysById targets = KH_TRY(keys_of(target));
  for (const CrnPair& pair : pairs) plan.keys.push_back(plan_pair(pair, sources, targets, now));
  count_deks(plan, inventory, {});
  return plan;
}

}  // namespace keyhaven::migrate
