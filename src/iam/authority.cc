#include "iam/authority.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "crypto/hash.h"
#include "crypto/random.h"

namespace keyhaven::iam {
namespace {

// How far behind a token cache may be before it must forget everything.
constexpr std::size_t kNewestEnded = 1024;

struct DigestHash {
  std::size_t operator()(const Digest& digest) const noexcept {
    std::size_t value;  // any eight bytes of a SHA-256 value are a hash
    std::copy_n(digest.begin(), sizeof value, reinterpret_cast<std::uint8_t*>(&value));
    return value;
  }
};

struct DigestEqual {
  bool operator()(const Digest& a, const Digest& b) const noexcept {
    return crypto::equal_constant_time(a, b);
  }
};

Error unknown_api_key() {
  return {Reason::UnknownApiKey, "Provided API key could not be found.", {}};
}
Error no_identity() { return {Reason::IdentityNotFound, "there is no such identity", "iam_id"}; }

bool is_printable(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

Result<void> check_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxIamNameBytes || !is_printable(name)) {
    return Error{Reason::InvalidField, "name must have 1 to 240 bytes and no control character",
                 "name"};
  }
  return {};
}

// Eight segments: crn, v1, cloud, type, service, region, account, service instance.
bool is_service_crn(std::string_view text) {
  if (text.size() > kMaxServiceCrnBytes || !text.starts_with("crn:v1:")) return false;
  const auto forbidden = [](unsigned char c) {
    return c <= 0x20 || c >= 0x7f || c == '*' || c == '%' || c == '"' || c == '\\';
  };
  if (std::any_of(text.begin(), text.end(), forbidden)) return false;
  std::vector<std::string_view> segments;
  while (segments.size() < 9) {
    const std::size_t colon = text.find(':');
    segments.push_back(text.substr(0, colon));
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
  }
  return segments.size() == 8 && !segments[2].empty() && !segments[3].empty() &&
         !segments[4].empty() && !segments[7].empty();
}

Result<void> check_service_crn(const IdentitySpec& spec) {
  if (spec.service_crn.empty()) return {};
  if (spec.kind != IdentityKind::ServiceId) {
    return Error{Reason::InvalidField, "only a service id may have a service_crn", "service_crn"};
  }
  if (is_service_crn(spec.service_crn)) return {};
  return Error{Reason::InvalidField,
               "service_crn must be the first eight segments of a CRN, up to and including the "
               "service instance, without wildcard, for instance "
               "crn:v1:bluemix:public:cloud-object-storage:global:a/<account>:<instance>",
               "service_crn"};
}

SecretBytes new_api_key_text() {
  const SecretBytes random = crypto::random_secret(33);
  SecretBytes text = secret_to_base64(random.expose());
  for (std::uint8_t& c : text.expose_mutable()) {  // to the URL alphabet: 33 bytes need no padding
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  KH_ASSERT(text.size() == kApiKeySecretSize);
  return text;
}

CreatedApiKey make_api_key(const std::string& iam_id, const std::string& name, Timestamp now) {
  CreatedApiKey out{{"ApiKey-" + crypto::random_uuid().text(), iam_id, name, {}, now, false},
                    new_api_key_text()};
  out.key.secret_hash = crypto::sha256(out.secret.expose());
  return out;
}

Identity make_identity(const IdentitySpec& spec, Timestamp now) {
  const std::string_view prefix =
      spec.kind == IdentityKind::ServiceId ? "iam-ServiceId-" : "IBMid-";
  return {std::string(prefix) + crypto::random_uuid().text(),
          spec.kind,
          spec.name,
          spec.description,
          now,
          spec.service_crn,
          {}};
}

std::string subject_key(std::string_view issuer, std::string_view subject) {
  return std::string(issuer).append(1, '\0').append(subject);
}

Result<void> check_subject(std::string_view subject) {
  if (is_oidc_subject(subject)) return {};
  return Error{Reason::InvalidField,
               "oidc_subject must be the provider's \"sub\" of the person: 1 to 255 ASCII "
               "characters without blanks at its ends; the log-in page shows it to a person who is "
               "not linked",
               "oidc_subject"};
}

bool administers_everything(const Grant& grant) {
  return (grant.roles & bit(Role::Administrator)) != 0 && !grant.instance &&
         grant.key_ring.empty() && !grant.key;
}

}  // namespace

bool is_oidc_subject(std::string_view subject) noexcept {
  return !subject.empty() && subject.size() <= kMaxOidcSubjectBytes && subject.front() != ' ' &&
         subject.back() != ' ' &&
         std::all_of(subject.begin(), subject.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

struct Authority::Snapshot {
  std::uint64_t epoch = 1;
  std::map<std::string, Identity, std::less<>> identities;  // by iam_id
  std::map<std::string, ApiKey, std::less<>> api_keys;      // by id
  std::map<std::string, Grant, std::less<>> grants;         // by id
  std::unordered_map<Digest, std::string, DigestHash, DigestEqual> key_ids_by_hash;
  std::map<std::string, std::vector<Grant>, std::less<>> grants_by_identity;
  std::unordered_map<std::string, std::string> ids_by_subject;  // subject_key() -> iam_id

  void apply(const IamChange& change) {
    for (const Identity& identity : change.put_identities) identities[identity.iam_id] = identity;
    for (const ApiKey& key : change.put_api_keys) api_keys[key.id] = key;
    for (const Grant& grant : change.put_grants) grants[grant.id] = grant;
    for (const std::string& id : change.remove_api_keys) api_keys.erase(id);
    for (const std::string& id : change.remove_grants) grants.erase(id);
    for (const std::string& iam_id : change.remove_identities) {
      identities.erase(iam_id);
      std::erase_if(api_keys, [&](const auto& entry) { return entry.second.iam_id == iam_id; });
      std::erase_if(grants, [&](const auto& entry) { return entry.second.iam_id == iam_id; });
    }
    index();
  }
  void index() {
    key_ids_by_hash.clear();
    grants_by_identity.clear();
    ids_by_subject.clear();
    for (const auto& [id, identity] : identities) {
      if (identity.oidc)
        ids_by_subject.emplace(subject_key(identity.oidc->issuer, identity.oidc->subject), id);
    }
    for (const auto& [id, key] : api_keys) key_ids_by_hash.emplace(key.secret_hash, id);
    for (const auto& [id, grant] : grants) grants_by_identity[grant.iam_id].push_back(grant);
  }
  const ApiKey* usable_key(std::string_view id) const {
    const auto found = api_keys.find(id);
    return found == api_keys.end() || found->second.locked ? nullptr : &found->second;
  }
  bool has_administrator() const {
    return std::any_of(api_keys.begin(), api_keys.end(), [&](const auto& entry) {
      const auto held = grants_by_identity.find(entry.second.iam_id);
      return !entry.second.locked && held != grants_by_identity.end() &&
             std::any_of(held->second.begin(), held->second.end(), administers_everything);
    });
  }
  bool is_whole() const {
    const auto known = [&](const auto& entry) { return identities.contains(entry.second.iam_id); };
    return std::all_of(api_keys.begin(), api_keys.end(), known) &&
           std::all_of(grants.begin(), grants.end(), known);
  }
  bool has_one_identity_per_subject() const {
    const auto linked = std::count_if(identities.begin(), identities.end(), [](const auto& entry) {
      return entry.second.oidc.has_value();
    });
    return static_cast<std::size_t>(linked) == ids_by_subject.size();
  }
  // Whether what the caller logged in with still logs in as that identity.
  bool stands(const TokenClaims& claims, const Identity& identity, std::string_view issuer) const {
    if (!claims.oidc_link_id.empty()) {
      return claims.api_key_id.empty() && identity.oidc &&
             identity.oidc->id == claims.oidc_link_id && identity.oidc->issuer == issuer;
    }
    const ApiKey* key = usable_key(claims.api_key_id);
    return key != nullptr && key->iam_id == claims.iam_id;
  }
  template <class Map>
  std::size_t count_of(const Map& map, std::string_view iam_id) const {
    return static_cast<std::size_t>(std::count_if(
        map.begin(), map.end(), [&](const auto& entry) { return entry.second.iam_id == iam_id; }));
  }
};

Authority::Authority(IamStore& store, TokenIssuer issuer, const Clock& clock)
    : store_(store), issuer_(std::move(issuer)), verifier_(issuer_), clock_(clock) {}

Result<std::unique_ptr<Authority>> Authority::load(IamStore& store, TokenIssuer issuer,
                                                   const Clock& clock) {
  auto everything = KH_TRY(store.load_iam());
  auto authority = std::unique_ptr<Authority>(new Authority(store, std::move(issuer), clock));
  auto first = std::make_shared<Snapshot>();
  IamChange all;
  all.put_identities = std::move(everything.identities);
  all.put_api_keys = std::move(everything.api_keys);
  all.put_grants = std::move(everything.grants);
  first->apply(all);
  for (const EndedToken& token : everything.ended_tokens)
    authority->ended_.emplace(token.digest, Ended{token.expires, {}});
  if (!first->is_whole()) {
    return Error{Reason::Internal,
                 "the store holds an API key or grant of an identity that does not exist",
                 {}};
  }
  if (!first->has_one_identity_per_subject()) {
    return Error{Reason::Internal,
                 "the store links two identities to one subject of an OpenID provider",
                 {}};
  }
  authority->snapshot_ = std::move(first);
  return authority;
}

Authority::SnapshotPtr Authority::snapshot() const {
  const std::shared_lock lock(snapshot_mutex_);
  return snapshot_;
}

void Authority::publish(std::shared_ptr<Snapshot> next) {
  const std::uint64_t epoch = next->epoch;
  {
    const std::unique_lock lock(snapshot_mutex_);
    snapshot_ = std::move(next);
  }
  epoch_.store(
      epoch,
      std::memory_order_release);  // after the snapshot: a cache that sees it reads the new rights
}

Result<std::unique_lock<std::mutex>> Authority::begin(const Mandate& mandate) {
  std::unique_lock lock(changing_);
  if (mandate.still) KH_TRY(mandate.still());
  return lock;
}

Result<void> Authority::apply(const IamChange& change, const audit::Event& event) {
  const SnapshotPtr before = snapshot();
  auto next = std::make_shared<Snapshot>(*before);
  next->apply(change);
  next->epoch = before->epoch + 1;
  if (before->has_administrator() && !next->has_administrator()) {
    return Error{Reason::Conflict,
                 "this would leave no administrator who can log in with an API key; make another "
                 "one first",
                 {}};
  }
  KH_TRY(store_.commit_iam(change, event));
  publish(std::move(next));
  // Before the first identity nobody can have been authorised, and the loops may not run yet.
  if (before->identities.empty()) return {};
  const auto fenced = run_fence();
  const bool takes_away =
      !change.remove_identities.empty() || !change.remove_api_keys.empty() ||
      !change.remove_grants.empty() ||
      std::any_of(change.put_identities.begin(), change.put_identities.end(),
                  [&](const auto& one) { return before->identities.contains(one.iam_id); });
  return takes_away ? fenced : Result<void>();
}

Result<void> Authority::run_fence() {
  if (!fence_) return {};
  const auto done = fence_();
  if (done) return {};
  return Error{Reason::DeadlineExceeded,
               "the change is made, but calls that were under way were not seen to end in time; "
               "look whether they did (" +
                   done.error().message + ")",
               {}};
}

bool Authority::has_ended(const Digest& token) const {
  const std::shared_lock lock(ended_mutex_);
  return ended_.contains(token);
}

std::optional<std::vector<Digest>> Authority::ended_since(std::uint64_t seen) const {
  const std::shared_lock lock(ended_mutex_);
  const std::uint64_t missing = ended_count_.load(std::memory_order_relaxed) - seen;
  if (missing > newest_ended_.size()) return std::nullopt;
  return std::vector<Digest>(newest_ended_.end() - static_cast<std::ptrdiff_t>(missing),
                             newest_ended_.end());
}

// Under changing_.
Result<std::vector<Digest>> Authority::forgettable(std::string_view iam_id, Timestamp now) const {
  std::vector<Digest> out;
  std::size_t own = 0;
  auto first = ended_.end();  // to expire, of this identity
  for (auto entry = ended_.begin(); entry != ended_.end(); ++entry) {
    if (entry->second.expires <= now) {
      out.push_back(entry->first);
    } else if (entry->second.iam_id == iam_id) {
      ++own;
      if (first == ended_.end() || entry->second.expires < first->second.expires) first = entry;
    }
  }
  if (own >= kMaxEndedTokensPerIdentity) out.push_back(first->first);
  if (ended_.size() - out.size() >= kMaxEndedTokens) {
    return Error{Reason::Conflict,
                 "more sessions were ended than the service can remember; delete the API key or "
                 "the link that this one was begun with, which ends it, or try again when others "
                 "have expired",
                 {}};
  }
  return out;
}

Result<bool> Authority::end_token(std::string_view token, audit::Event event) {
  const Timestamp now = clock_.now();
  const auto claims = verifier_.verify(token, now);
  if (!claims) return false;
  const std::lock_guard turn(changing_);
  const Digest digest = crypto::sha256(as_bytes(token));
  IamChange change;
  change.forget_tokens = KH_TRY(forgettable(claims->iam_id, now));
  change.end_tokens.push_back({digest, claims->expires});
  KH_TRY(store_.commit_iam(change, event));
  {
    const std::unique_lock lock(ended_mutex_);
    for (const Digest& one : change.forget_tokens) ended_.erase(one);
    ended_.insert_or_assign(digest, Ended{claims->expires, claims->iam_id});
    newest_ended_.push_back(digest);
    if (newest_ended_.size() > kNewestEnded) newest_ended_.pop_front();
    ended_count_.fetch_add(1, std::memory_order_release);
  }
  KH_TRY(run_fence());
  return true;
}

Result<bool> Authority::bootstrap(const Deliver& deliver) {
  const std::lock_guard lock(changing_);
  if (!snapshot()->identities.empty()) return false;
  const Timestamp now = clock_.now();
  const Identity administrator = make_identity(
      {IdentityKind::ServiceId, "administrator", "first administrator of this deployment", {}},
      now);
  const CreatedApiKey created = make_api_key(administrator.iam_id, "first key", now);
  KH_TRY(deliver(administrator, created));

  Grant grant;
  grant.id = crypto::random_uuid().text();
  grant.iam_id = administrator.iam_id;
  grant.roles = static_cast<RoleSet>(bit(Role::Administrator) | bit(Role::Manager));
  IamChange change;
  change.put_identities = {administrator};
  change.put_api_keys = {created.key};
  change.put_grants = {grant};
  audit::Event event;
  event.time = now;
  event.action = "hs-crypto.iam-identity.bootstrap";
  event.severity = "critical";
  event.outcome = audit::Outcome::Success;
  event.status = 201;
  event.initiator_id = "keyhaven";
  event.target_id = administrator.iam_id;
  KH_TRY(apply(change, event));
  return true;
}

Result<Authority::Exchange> Authority::exchange(std::string_view api_key_text) const {
  if (api_key_text.empty() || api_key_text.size() > 4 * kApiKeySecretSize) return unknown_api_key();
  const SnapshotPtr now = snapshot();
  const auto found = now->key_ids_by_hash.find(crypto::sha256(as_bytes(api_key_text)));
  const ApiKey* key =
      found == now->key_ids_by_hash.end() ? nullptr : now->usable_key(found->second);
  if (key == nullptr) return unknown_api_key();
  const Identity& identity = now->identities.find(key->iam_id)->second;
  return Exchange{issuer_.issue({identity.iam_id, key->id}, clock_.now()), identity.iam_id,
                  identity.name};
}

Result<Authority::Exchange> Authority::exchange_oidc(std::string_view subject) const {
  const SnapshotPtr now = snapshot();
  const auto found = oidc_issuer_.empty()
                         ? now->ids_by_subject.end()
                         : now->ids_by_subject.find(subject_key(oidc_issuer_, subject));
  if (found == now->ids_by_subject.end()) {
    return Error{Reason::IdentityNotFound, "no identity is linked to this subject", "oidc_subject"};
  }
  const Identity& identity = now->identities.find(found->second)->second;
  return Exchange{issuer_.issue({identity.iam_id, {}, identity.oidc->id}, clock_.now()),
                  identity.iam_id, identity.name};
}

Result<CallerPtr> Authority::caller_for(std::string_view token) const {
  const TokenClaims claims = KH_TRY(verifier_.verify(token, clock_.now()));
  const SnapshotPtr now = snapshot();
  const auto identity = now->identities.find(claims.iam_id);
  if (identity == now->identities.end() || !now->stands(claims, identity->second, oidc_issuer_)) {
    return Error{Reason::Unauthenticated,
                 "the token's identity, API key or link to the OpenID provider no longer exists",
                 "Authorization"};
  }
  if (has_ended(crypto::sha256(as_bytes(token)))) {
    return Error{Reason::Unauthenticated, "the session of this token has ended", "Authorization"};
  }
  auto caller = std::make_shared<Caller>();
  caller->iam_id = claims.iam_id;
  caller->name = identity->second.name;
  caller->account = issuer_.account();
  caller->credential = claims.oidc_link_id.empty() ? "apikey" : "oidc";
  caller->service_crn = identity->second.service_crn;
  caller->token_expires = claims.expires;
  caller->revocation_epoch = now->epoch;
  if (const auto held = now->grants_by_identity.find(claims.iam_id);
      held != now->grants_by_identity.end()) {
    caller->grants = held->second;
  }
  return CallerPtr(std::move(caller));
}

Result<Identity> Authority::create_identity(const IdentitySpec& spec, Mandate mandate) {
  KH_TRY(check_name(spec.name));
  if (spec.description.size() > kMaxIamDescriptionBytes || !is_printable(spec.description)) {
    return Error{Reason::InvalidField,
                 "description may have at most 1000 bytes and no control character", "description"};
  }
  KH_TRY(check_service_crn(spec));
  const auto turn = KH_TRY(begin(mandate));
  if (snapshot()->identities.size() >= kMaxIdentities) {
    return Error{Reason::Conflict, "the limit of 10000 identities is reached", {}};
  }
  Identity identity = make_identity(spec, clock_.now());
  if (!spec.oidc_subject.empty()) {
    identity.oidc =
        KH_TRY(new_link(*snapshot(), identity.iam_id, identity.kind, spec.oidc_subject));
  }
  IamChange change;
  change.put_identities = {identity};
  mandate.event.target_id = identity.iam_id;
  KH_TRY(apply(change, mandate.event));
  return identity;
}

Result<OidcLink> Authority::new_link(const Snapshot& now, std::string_view iam_id,
                                     IdentityKind kind, const std::string& subject) const {
  if (kind != IdentityKind::User) {
    return Error{Reason::InvalidField,
                 "only a user may have an oidc_subject; a program logs in with an API key",
                 "oidc_subject"};
  }
  KH_TRY(check_subject(subject));
  if (oidc_issuer_.empty()) {
    return Error{Reason::FeatureRestricted,
                 "this deployment has no OpenID provider; set oidc.issuer in its configuration",
                 "oidc_subject"};
  }
  const auto holder = now.ids_by_subject.find(subject_key(oidc_issuer_, subject));
  if (holder != now.ids_by_subject.end() && holder->second != iam_id) {
    return Error{Reason::AlreadyExists,
                 "this subject is linked to " + holder->second + " already; unlink that first",
                 "oidc_subject"};
  }
  return OidcLink{"OidcLink-" + crypto::random_uuid().text(), oidc_issuer_, subject};
}

Result<Identity> Authority::link_identity(const std::string& iam_id, const std::string& subject,
                                          Mandate mandate) {
  const auto turn = KH_TRY(begin(mandate));
  const SnapshotPtr now = snapshot();
  const auto found = now->identities.find(iam_id);
  if (found == now->identities.end()) return no_identity();
  Identity identity = found->second;
  if (subject.empty()) {
    identity.oidc.reset();
  } else {
    OidcLink link = KH_TRY(new_link(*now, iam_id, identity.kind, subject));
    const bool is_same =
        identity.oidc && identity.oidc->issuer == link.issuer && identity.oidc->subject == subject;
    if (!is_same) identity.oidc = std::move(link);
  }
  IamChange change;
  change.put_identities = {identity};
  mandate.event.target_id = iam_id;
  KH_TRY(apply(change, mandate.event));
  return identity;
}

Result<void> Authority::delete_identity(const std::string& iam_id, Mandate mandate) {
  const auto turn = KH_TRY(begin(mandate));
  if (!snapshot()->identities.contains(iam_id)) return no_identity();
  IamChange change;
  change.remove_identities = {iam_id};
  mandate.event.target_id = iam_id;
  return apply(change, mandate.event);
}

Result<CreatedApiKey> Authority::create_api_key(const std::string& iam_id, const std::string& name,
                                                Mandate mandate) {
  KH_TRY(check_name(name));
  const auto turn = KH_TRY(begin(mandate));
  const SnapshotPtr now = snapshot();
  if (!now->identities.contains(iam_id)) return no_identity();
  if (now->count_of(now->api_keys, iam_id) >= kMaxApiKeysPerIdentity) {
    return Error{Reason::Conflict, "the limit of 20 API keys of one identity is reached", {}};
  }
  CreatedApiKey created = make_api_key(iam_id, name, clock_.now());
  IamChange change;
  change.put_api_keys = {created.key};
  mandate.event.target_id = created.key.id;
  KH_TRY(apply(change, mandate.event));
  return created;
}

Result<void> Authority::delete_api_key(const std::string& id, Mandate mandate) {
  const auto turn = KH_TRY(begin(mandate));
  if (!snapshot()->api_keys.contains(id))
    return Error{Reason::NotFound, "there is no such API key", "id"};
  IamChange change;
  change.remove_api_keys = {id};
  mandate.event.target_id = id;
  return apply(change, mandate.event);
}

Result<Grant> Authority::create_grant(Grant grant, Mandate mandate) {
  if (grant.roles == 0 || (grant.roles >> kRoleCount) != 0) {
    return Error{Reason::InvalidField, "a policy needs at least one role", "roles"};
  }
  if (grant.key && !grant.instance) {
    return Error{Reason::InvalidField, "a policy on a key must name its instance",
                 "serviceInstance"};
  }
  const auto turn = KH_TRY(begin(mandate));
  const SnapshotPtr now = snapshot();
  if (!now->identities.contains(grant.iam_id)) return no_identity();
  if (now->count_of(now->grants, grant.iam_id) >= kMaxGrantsPerIdentity) {
    return Error{Reason::Conflict, "the limit of 200 policies of one identity is reached", {}};
  }
  grant.id = crypto::random_uuid().text();
  IamChange change;
  change.put_grants = {grant};
  mandate.event.target_id = grant.id;
  KH_TRY(apply(change, mandate.event));
  return grant;
}

Result<void> Authority::delete_grant(const std::string& id, Mandate mandate) {
  const auto turn = KH_TRY(begin(mandate));
  if (!snapshot()->grants.contains(id))
    return Error{Reason::NotFound, "there is no such policy", "id"};
  IamChange change;
  change.remove_grants = {id};
  mandate.event.target_id = id;
  return apply(change, mandate.event);
}

std::vector<Identity> Authority::identities() const {
  std::vector<Identity> out;
  const SnapshotPtr now = snapshot();
  for (const auto& [id, identity] : now->identities) out.push_back(identity);
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.created < b.created; });
  return out;
}

std::vector<ApiKey> Authority::api_keys(std::string_view iam_id) const {
  std::vector<ApiKey> out;
  const SnapshotPtr now = snapshot();
  for (const auto& [id, key] : now->api_keys) {
    if (iam_id.empty() || key.iam_id == iam_id) out.push_back(key);
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.created < b.created; });
  return out;
}

std::vector<Grant> Authority::grants(std::string_view iam_id) const {
  std::vector<Grant> out;
  const SnapshotPtr now = snapshot();
  for (const auto& [id, grant] : now->grants) {
    if (iam_id.empty() || grant.iam_id == iam_id) out.push_back(grant);
  }
  return out;
}

std::optional<Identity> Authority::find_identity(const std::string& iam_id) const {
  const SnapshotPtr now = snapshot();
  const auto found = now->identities.find(iam_id);
  return found == now->identities.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace keyhaven::iam
