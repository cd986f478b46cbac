// ApiClient: keys, wrapped DEKs, aliases, rings.
#include <algorithm>
#include <array>
#include <charconv>

#include "client/connection.h"
#include "client/encode.h"

namespace keyhaven::client {
namespace {

constexpr std::uint32_t kPage = 200;
constexpr std::size_t kMaxItems = 5'000'000;  // an endless paging server does not fill the memory

std::string key_path(std::string_view ref) { return "/keys/" + percent_encode(ref); }

CallSpec get(std::string target, std::string what) {
  CallSpec spec;
  spec.target = std::move(target);
  spec.what = std::move(what);
  return spec;
}

CallSpec post(std::string target, std::string what, Repeat repeat) {
  CallSpec spec = get(std::move(target), std::move(what));
  spec.method = "POST";
  spec.repeat = repeat;
  return spec;
}

CallSpec remove(std::string target, std::string what) {
  CallSpec spec = get(std::move(target), std::move(what));
  spec.method = "DELETE";
  return spec;
}

CallSpec with_body(CallSpec spec, SecretBytes body) {
  spec.body = std::move(body);
  spec.has_body = true;
  return spec;
}

std::string quoted(std::string_view text) { return '"' + printable(text, 100) + '"'; }

// The one key of an envelope, with the payload that may have come along.
Result<Key> single_key(Decoder& decoder, net::ClientResponse& response, std::string_view what) {
  constexpr std::array<std::string_view, 1> kNames{"payload"};
  auto secrets = KH_TRY(take_secrets(response.body, kNames));
  std::vector<Key> keys = KH_TRY(decoder.keys(text_of(response.body)));
  if (keys.size() != 1) {
    return Error{Reason::BadBody,
                 std::string(what) + ": the answer must hold one key, it holds " +
                     std::to_string(keys.size()),
                 "resources"};
  }
  const SecretBytes text = take(secrets, "payload");
  if (!text.empty()) {
    auto payload = secret_from_base64(text_of(text));
    if (!payload)
      return Error{Reason::BadBody, std::string(what) + ": the payload is not base64", "payload"};
    keys.front().payload = std::move(payload).value();
  }
  return std::move(keys.front());
}

Result<SecretBytes> plaintext_of(net::ClientResponse& response, std::string_view what) {
  constexpr std::array<std::string_view, 1> kNames{"plaintext"};
  auto secrets = KH_TRY(take_secrets(response.body, kNames));
  const SecretBytes text = take(secrets, "plaintext");
  if (text.empty()) return SecretBytes();
  auto plaintext = secret_from_base64(text_of(text));
  if (!plaintext)
    return Error{Reason::BadBody, std::string(what) + ": the plaintext is not base64", "plaintext"};
  return plaintext;
}

}  // namespace

Result<KeyPage> ApiClient::list_keys(const KeyQuery& query) {
  CallSpec spec = get("/keys" + key_query(query, true), "list keys");
  spec.ring = query.key_ring;
  auto response = KH_TRY(state_->key_call(std::move(spec)));
  constexpr std::array<std::string_view, 1> kNames{
      "payload"};  // a list never has one; a strange server's is dropped
  auto dropped = KH_TRY(take_secrets(response.body, kNames));
  dropped.clear();
  KeyPage page;
  page.keys = KH_TRY(state_->decoder.keys(text_of(response.body)));
  return page;
}

Result<std::vector<Key>> ApiClient::list_all_keys(KeyQuery query) {
  std::vector<Key> all;
  for (;;) {
    KeyPage page = KH_TRY(list_keys(query));
    const std::size_t count = page.keys.size();
    std::move(page.keys.begin(), page.keys.end(), std::back_inserter(all));
    if (count == 0) return all;  // a short page is no proof that it was the last
    if (all.size() > kMaxItems)
      return Error{Reason::TooLarge, "list keys: the server has more keys than can be listed", {}};
    query.offset += count;
  }
}

Result<std::uint64_t> ApiClient::count_keys(const KeyQuery& query) {
  CallSpec spec = get("/keys" + key_query(query, false), "count keys");
  spec.method = "HEAD";
  spec.ring = query.key_ring;
  const auto response = KH_TRY(state_->key_call(std::move(spec)));
  const std::string text = response.header("key-total");
  std::uint64_t count = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (text.empty() || failed != std::errc{} || end != text.data() + text.size()) {
    return Error{Reason::BadBody, "count keys: the answer has no Key-Total header", "Key-Total"};
  }
  return count;
}

Result<Key> ApiClient::get_key(std::string_view ref, std::string_view ring) {
  CallSpec spec = get(key_path(ref), "get key " + quoted(ref));
  spec.ring = ring;
  const std::string what = spec.what;
  auto response = KH_TRY(state_->key_call(std::move(spec)));
  return single_key(state_->decoder, response, what);
}

Result<Key> ApiClient::get_metadata(std::string_view ref, std::string_view ring) {
  CallSpec spec = get(key_path(ref) + "/metadata", "get metadata of key " + quoted(ref));
  spec.ring = ring;
  const std::string what = spec.what;
  auto response = KH_TRY(state_->key_call(std::move(spec)));
  return single_key(state_->decoder, response, what);
}

Result<Key> ApiClient::create_key(const CreateKey& request, Repeat repeat) {
  const char* const path = request.exact_policies ? "/keys_with_policy_overrides" : "/keys";
  CallSpec spec = with_body(post(path, "create key " + quoted(request.name), repeat),
                            encode_create_key(request));
  spec.ring = request.key_ring;
  spec.representation = true;
  const std::string what = spec.what;
  auto response = KH_TRY(state_->key_call(std::move(spec)));
  return single_key(state_->decoder, response, what);
}

Result<void> ApiClient::delete_key(std::string_view ref, bool force, std::string_view ring) {
  CallSpec spec = remove(key_path(ref) + (force ? "?force=true" : ""), "delete key " + quoted(ref));
  spec.ring = ring;
  auto response = state_->key_call(std::move(spec));
  if (response) return {};
  if (state_->repeated() && state_->failure.status == 410) return state_->done();
  return std::move(response).error();
}

Result<Key> ApiClient::restore_key(std::string_view ref) {
  CallSpec spec = post(key_path(ref) + "/restore", "restore key " + quoted(ref), Repeat::Never);
  const std::string what = spec.what;
  auto response = KH_TRY(state_->key_call(std::move(spec)));
  return single_key(state_->decoder, response, what);
}

Result<void> ApiClient::purge_key(std::string_view ref) {
  auto response = state_->key_call(remove(key_path(ref) + "/purge", "purge key " + quoted(ref)));
  if (response) return {};
  if (state_->repeated() && state_->failure.status == 404) return state_->done();
  return std::move(response).error();
}

namespace {

// Disable and enable refuse a repeat with 409: after a repeated call the key's state tells whether
// the first one worked.
Result<void> switch_state(ApiClient& client, Error error, bool repeated, int status,
                          std::string_view ref, int wanted) {
  if (!repeated || status != 409) return error;
  const auto key = client.get_metadata(ref);
  if (key && key.value().state == wanted) return {};
  return error;
}

}  // namespace

Result<void> ApiClient::enable_key(std::string_view ref) {
  auto response = state_->key_call(
      post(key_path(ref) + "/actions/enable", "enable key " + quoted(ref), Repeat::Safe));
  if (response) return {};
  return switch_state(*this, std::move(response).error(), state_->repeated(),
                      state_->failure.status, ref, kActive);
}

Result<void> ApiClient::disable_key(std::string_view ref) {
  auto response = state_->key_call(
      post(key_path(ref) + "/actions/disable", "disable key " + quoted(ref), Repeat::Safe));
  if (response) return {};
  return switch_state(*this, std::move(response).error(), state_->repeated(),
                      state_->failure.status, ref, kSuspended);
}

Result<void> ApiClient::rotate_key(std::string_view ref, const SecretBytes* payload) {
  CallSpec spec =
      post(key_path(ref) + "/actions/rotate", "rotate key " + quoted(ref), Repeat::Never);
  spec = with_body(
      std::move(spec),
      encode_payload(payload != nullptr ? payload->expose() : std::span<const std::uint8_t>()));
  auto response = KH_TRY(state_->key_call(std::move(spec)));
  static_cast<void>(response);
  return {};
}

Result<void> ApiClient::rotate_key(std::string_view ref, const EncryptedMaterial& material) {
  CallSpec spec =
      post(key_path(ref) + "/actions/rotate", "rotate key " + quoted(ref), Repeat::Never);
  KH_TRY(state_->key_call(with_body(std::move(spec), encode_encrypted(material))));
  return {};
}

Result<std::vector<KeyVersion>> ApiClient::versions(std::string_view ref, bool all_key_states) {
  std::vector<KeyVersion> all;
  for (;;) {
    std::string target = key_path(ref) +
                         "/versions?totalCount=true&limit=" + std::to_string(kPage) +
                         "&offset=" + std::to_string(all.size());
    if (all_key_states) target += "&allKeyStates=true";
    auto response =
        KH_TRY(state_->key_call(get(std::move(target), "list versions of key " + quoted(ref))));
    auto page = KH_TRY(state_->decoder.versions(text_of(response.body)));
    std::copy(page.items.begin(), page.items.end(), std::back_inserter(all));
    if (page.is_last(all.size())) return all;
    if (all.size() > kMaxItems)
      return Error{Reason::TooLarge, "list versions: the server never ends its list", {}};
  }
}

Result<Key> ApiClient::move_key(std::string_view ref, std::string_view new_ring) {
  JsonWriter body;
  body.begin_object().key("keyRingID").string(new_ring).end_object();
  CallSpec spec = with_body(get(key_path(ref), "move key " + quoted(ref)), body.finish());
  spec.method = "PATCH";
  const std::string what = spec.what;
  auto response = KH_TRY(state_->key_call(std::move(spec)));
  return single_key(state_->decoder, response, what);
}

Result<WrapResult> ApiClient::wrap(std::string_view ref, const SecretBytes& plaintext,
                                   const AadList& aad) {
  CallSpec spec =
      with_body(post(key_path(ref) + "/actions/wrap", "wrap with key " + quoted(ref), Repeat::Safe),
                encode_wrap(plaintext.expose(), aad));
  const std::string what = spec.what;
  auto response = KH_TRY(state_->key_call(std::move(spec)));
  WrapResult out;
  out.plaintext = KH_TRY(plaintext_of(response, what));
  DekVersions dek = KH_TRY(state_->decoder.dek(text_of(response.body)));
  if (dek.ciphertext.empty())
    return Error{Reason::BadBody, what + ": the answer has no ciphertext", "ciphertext"};
  if (plaintext.empty() && out.plaintext.empty()) {
    return Error{Reason::BadBody, what + ": the answer lacks the generated plaintext", "plaintext"};
  }
  out.ciphertext = std::move(dek.ciphertext);
  out.version_id = std::move(dek.version_id);
  return out;
}

Result<UnwrapResult> ApiClient::unwrap(std::string_view ref, std::string_view ciphertext,
                                       const AadList& aad) {
  CallSpec spec = with_body(
      post(key_path(ref) + "/actions/unwrap", "unwrap with key " + quoted(ref), Repeat::Safe),
      encode_unwrap(ciphertext, aad));
  const std::string what = spec.what;
  auto response = KH_TRY(state_->key_call(std::move(spec)));
  UnwrapResult out;
  out.plaintext = KH_TRY(plaintext_of(response, what));
  if (out.plaintext.empty())
    return Error{Reason::BadBody, what + ": the answer has no plaintext", "plaintext"};
  DekVersions dek = KH_TRY(state_->decoder.dek(text_of(response.body)));
  out.version_id = std::move(dek.version_id);
  out.ciphertext = std::move(dek.ciphertext);
  out.rewrapped_version_id = std::move(dek.rewrapped_version_id);
  return out;
}

Result<RewrapResult> ApiClient::rewrap(std::string_view ref, std::string_view ciphertext,
                                       const AadList& aad) {
  CallSpec spec = with_body(
      post(key_path(ref) + "/actions/rewrap", "rewrap with key " + quoted(ref), Repeat::Safe),
      encode_unwrap(ciphertext, aad));
  const std::string what = spec.what;
  auto response = KH_TRY(state_->key_call(std::move(spec)));
  DekVersions dek = KH_TRY(state_->decoder.dek(text_of(response.body)));
  if (dek.ciphertext.empty())
    return Error{Reason::BadBody, what + ": the answer has no ciphertext", "ciphertext"};
  return RewrapResult{std::move(dek.ciphertext), std::move(dek.version_id),
                      std::move(dek.rewrapped_version_id)};
}

Result<Alias> ApiClient::create_alias(std::string_view ref, std::string_view alias) {
  auto response = KH_TRY(state_->key_call(post(key_path(ref) + "/aliases/" + percent_encode(alias),
                                               "create alias " + quoted(alias), Repeat::Never)));
  return state_->decoder.alias(text_of(response.body));
}

Result<void> ApiClient::delete_alias(std::string_view ref, std::string_view alias) {
  auto response = state_->key_call(
      remove(key_path(ref) + "/aliases/" + percent_encode(alias), "delete alias " + quoted(alias)));
  if (response) return {};
  if (state_->repeated() && state_->failure.status == 404) return state_->done();
  return std::move(response).error();
}

Result<std::vector<KeyRing>> ApiClient::list_rings() {
  std::vector<KeyRing> all;
  for (;;) {
    auto response =
        KH_TRY(state_->key_call(get("/key_rings?totalCount=true&limit=" + std::to_string(kPage) +
                                        "&offset=" + std::to_string(all.size()),
                                    "list key rings")));
    const auto page = KH_TRY(state_->decoder.rings(text_of(response.body)));
    std::copy(page.items.begin(), page.items.end(), std::back_inserter(all));
    if (page.is_last(all.size())) return all;
    if (all.size() > kMaxItems)
      return Error{Reason::TooLarge, "list key rings: the server never ends its list", {}};
  }
}

Result<void> ApiClient::create_ring(std::string_view ring) {
  auto response = KH_TRY(state_->key_call(post("/key_rings/" + percent_encode(ring),
                                               "create key ring " + quoted(ring), Repeat::Never)));
  static_cast<void>(response);
  return {};
}

Result<void> ApiClient::delete_ring(std::string_view ring, bool force) {
  auto response =
      state_->key_call(remove("/key_rings/" + percent_encode(ring) + (force ? "?force=true" : ""),
                              "delete key ring " + quoted(ring)));
  if (response) return {};
  if (state_->repeated() && state_->failure.status == 404) return state_->done();
  return std::move(response).error();
}

}  // namespace keyhaven::client
