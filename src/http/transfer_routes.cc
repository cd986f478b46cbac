#include "http/transfer_routes.h"

#include <optional>
#include <utility>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "http/call.h"
#include "http/errors.h"
#include "http/json.h"
#include "http/key_front.h"
#include "tke/transfer.h"

namespace keyhaven::http {
namespace {

constexpr std::size_t kUuidText = 36;
constexpr std::size_t kDigestText = 2 * sizeof(Digest);

Error wrong_field(std::string message, std::string_view field) {
  return {Reason::InvalidField, std::move(message), std::string(field)};
}

// The transfer of the path; the audit record names it from here on.
Result<Uuid> transfer_of(Call& call) {
  const auto id = Uuid::parse(call.param("id"));
  if (!id) return wrong_field("the id of a transfer is a UUID", "id");
  call.detail("requestData.transferId", id->text());
  return id.value();
}

Result<std::uint32_t> read_index(JsonValue& value) {
  const std::int64_t index = KH_TRY(value.integer("index"));
  if (index < 0 || index >= static_cast<std::int64_t>(tke::kMaxTransferChunks)) {
    return wrong_field("index must be from 0 to " + std::to_string(tke::kMaxTransferChunks - 1) +
                           ": chunks are numbered from 0, and a transfer has no more of them",
                       "index");
  }
  return static_cast<std::uint32_t>(index);
}

Result<Digest> read_digest(JsonValue& value, std::string_view field) {
  const std::string text = KH_TRY(value.text(field, kDigestText));
  const auto bytes = from_hex(text);
  Digest out{};
  if (!bytes || bytes->size() != out.size())
    return wrong_field(std::string(field) + " must be 64 hex digits", field);
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

// Runs `visit` over the members of a body that must be there.
Result<void> read_body(Call& call, const MemberVisitor& visit) {
  if (KH_TRY(read_json(call.body(), visit)) == Body::Present) return {};
  return Error{Reason::NoBody, "the call needs a JSON body", {}};
}

Error missing(std::string_view field) {
  return wrong_field(std::string(field) + " is missing", field);
}

// --- Reading what is open ---

Result<Response> list(const TransferFront& front, Call& call) {
  const unit::TransferStatus status = KH_TRY(front.unit.transfers(call.instance().id));
  Response response;
  JsonWriter json(response.body);
  json.begin_object().key("outgoing").begin_array();
  for (const auto& one : status.outgoing) {
    json.begin_object().field("id", one.id.text()).field("target", one.target.text());
    json.date_field("expires", one.expires).end_object();
  }
  json.end_array().key("incoming").begin_array();
  for (const auto& one : status.incoming) {
    json.begin_object().field("id", one.id.text()).field("source", one.source.text());
    json.date_field("expires", one.expires);
    if (one.manifest) json.field("manifest", to_hex(*one.manifest));
    json.end_object();
  }
  json.end_array().end_object();
  return response;
}

// --- Source: one chunk ---

struct ChunkRequest {
  std::optional<std::uint32_t> index;
  KeyId after;
};

Result<KeyId> read_after(JsonValue& value) {
  if (value.is_null()) return KeyId();
  const std::string text = KH_TRY(value.text("after", kUuidText));
  if (text.empty()) return KeyId();
  const auto id = KeyId::parse(text);
  if (!id)
    return wrong_field("after must be the id of a key: \"next\" of the last answer", "after");
  return id.value();
}

Result<ChunkRequest> read_chunk_request(Call& call) {
  ChunkRequest out;
  const auto member = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name == "index") {
      out.index = KH_TRY(read_index(value));
    } else if (name == "after") {
      out.after = KH_TRY(read_after(value));
    } else {
      return unknown_field(value);
    }
    return {};
  };
  KH_TRY(read_body(call, member));
  if (!out.index) return missing("index");
  return out;
}

void write_exported(JsonWriter& json, const keys::KeyRecord& key) {
  json.begin_object().field("id", key.id.text()).field("name", key.name);
  json.field("type", kKeyType).field("extractable", key.kind == keys::KeyKind::StandardKey);
  json.field("versions", key.versions.size()).end_object();
}

void write_left_out(JsonWriter& json, const keys::LeftOutKey& key) {
  json.begin_object().field("id", key.id.text()).field("name", key.name);
  json.field("code", wire_reason(key.why.reason).code).field("reason", key.why.message);
  json.end_object();
}

Response chunk_answer(std::uint32_t index, const keys::ExportedChunk& part) {
  Response response;
  JsonWriter json(response.body);
  json.begin_object().field("index", std::size_t{index}).key("chunk");
  if (part.chunk) {
    json.base64(part.chunk->bytes);
    json.field("digest", to_hex(crypto::sha256(part.chunk->bytes)));
    json.field("tag", to_hex(part.chunk->tag));
  } else {
    json.null();
  }
  json.key("keys").begin_array();
  for (const keys::KeyRecordPtr& key : part.keys) write_exported(json, *key);
  json.end_array().key("next");
  if (part.next) {
    json.value(part.next->text());
  } else {
    json.null();
  }
  json.key("left_out").begin_array();
  for (const keys::LeftOutKey& key : part.left_out) write_left_out(json, key);
  json.end_array().end_object();
  return response;
}

// A chunk holds at most 64 keys, so their ids fit a record; of what stays behind it names as many
// as there is room for.
void note_chunk(Call& call, const keys::ExportedChunk& part) {
  if (part.chunk) call.detail("responseData.digest", to_hex(crypto::sha256(part.chunk->bytes)));
  const auto note = [&call](const std::string& name, const auto& list, auto id_of) {
    std::string ids;
    for (const auto& each : list) ids += (ids.empty() ? "" : ",") + id_of(each).text();
    call.detail(name, std::to_string(list.size()));
    if (!ids.empty()) call.detail(name + "KeyIds", std::move(ids));
  };
  note("responseData.exported", part.keys, [](const auto& key) { return key->id; });
  note("responseData.leftOut", part.left_out, [](const auto& key) { return key.id; });
}

Result<Response> export_chunk(const TransferFront& front, Call& call) {
  const Uuid transfer = KH_TRY(transfer_of(call));
  const ChunkRequest asked = KH_TRY(read_chunk_request(call));
  call.detail("requestData.chunkIndex", std::to_string(*asked.index));
  const keys::ExportedChunk part = KH_TRY(
      front.exporter.export_chunk({call.instance().id, transfer, *asked.index, asked.after}));
  note_chunk(call, part);
  return chunk_answer(*asked.index, part);
}

// --- Source: the manifest ---

struct ManifestRequest {
  std::optional<std::uint32_t> keys;
  std::vector<unit::ChunkProof> chunks;
};

Result<unit::ChunkProof> read_proof(JsonValue& element) {
  std::optional<Digest> digest;
  std::optional<Digest> tag;
  const auto member = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name == "digest") {
      digest = KH_TRY(read_digest(value, "digest"));
    } else if (name == "tag") {
      tag = KH_TRY(read_digest(value, "tag"));
    } else {
      return unknown_field(value);
    }
    return {};
  };
  KH_TRY(element.object(member));
  if (!digest) return missing("digest");
  if (!tag) return missing("tag");
  return unit::ChunkProof{*digest, *tag};
}

Result<void> read_proofs(JsonValue& value, std::vector<unit::ChunkProof>& out) {
  return value.array([&](JsonValue& element) -> Result<void> {
    if (out.size() == tke::kMaxTransferChunks) {
      return wrong_field("a transfer has at most " + std::to_string(tke::kMaxTransferChunks) +
                             " chunks; carry the rest of the keys in another one",
                         "chunks");
    }
    out.push_back(KH_TRY(read_proof(element)));
    return {};
  });
}

Result<std::uint32_t> read_key_count(JsonValue& value) {
  constexpr std::int64_t kMost = tke::kMaxTransferChunks * unit::kMaxTransferKeysPerChunk;
  const std::int64_t count = KH_TRY(value.integer("keys"));
  if (count < 1 || count > kMost)
    return wrong_field("keys must be from 1 to " + std::to_string(kMost), "keys");
  return static_cast<std::uint32_t>(count);
}

Result<ManifestRequest> read_manifest_request(Call& call) {
  ManifestRequest out;
  const auto member = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name == "keys") {
      out.keys = KH_TRY(read_key_count(value));
    } else if (name == "chunks") {
      KH_TRY(read_proofs(value, out.chunks));
    } else {
      return unknown_field(value);
    }
    return {};
  };
  KH_TRY(read_body(call, member));
  if (!out.keys) return missing("keys");
  if (out.chunks.empty()) return missing("chunks");
  return out;
}

Result<Response> sign_manifest(const TransferFront& front, Call& call) {
  const Uuid transfer = KH_TRY(transfer_of(call));
  const ManifestRequest asked = KH_TRY(read_manifest_request(call));
  call.detail("requestData.keys", std::to_string(*asked.keys));
  call.detail("requestData.chunks", std::to_string(asked.chunks.size()));
  const Bytes manifest =
      KH_TRY(front.unit.sign_manifest(call.instance().id, transfer, *asked.keys, asked.chunks));
  const std::string digest = to_hex(crypto::sha256(manifest));
  call.detail("responseData.manifestDigest", digest);
  Response response;
  JsonWriter json(response.body);
  json.begin_object().key("manifest").base64(manifest).field("digest", digest).end_object();
  return response;
}

// --- Target: the keys of a chunk ---

struct ImportRequest {
  std::optional<std::uint32_t> index;
  Bytes manifest;
  Bytes chunk;
};

Result<ImportRequest> read_import_request(Call& call) {
  ImportRequest out;
  const auto member = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name == "index") {
      out.index = KH_TRY(read_index(value));
    } else if (name == "manifest") {
      out.manifest = KH_TRY(value.base64("manifest", tke::kMaxManifestBytes));
    } else if (name == "chunk") {
      out.chunk = KH_TRY(value.base64("chunk", unit::kMaxTransferChunkBytes));
    } else {
      return unknown_field(value);
    }
    return {};
  };
  KH_TRY(read_body(call, member));
  if (!out.index) return missing("index");
  if (out.manifest.empty()) return missing("manifest");
  if (out.chunk.empty()) return missing("chunk");
  return out;
}

void write_transferred(JsonWriter& json, const keys::TransferredKey& key) {
  json.begin_object().field("id", key.id.text()).field("name", key.name);
  json.field("outcome", keys::name_of(key.outcome));
  if (key.refusal) {
    json.field("code", wire_reason(key.refusal->reason).code);
    json.field("message", key.refusal->message);
  }
  json.end_object();
}

Result<Response> import_chunk(const TransferFront& front, Call& call) {
  const Uuid transfer = KH_TRY(transfer_of(call));
  const ImportRequest asked = KH_TRY(read_import_request(call));
  call.detail("requestData.chunkIndex", std::to_string(*asked.index));
  call.detail("requestData.digest", to_hex(crypto::sha256(asked.chunk)));
  call.detail("requestData.manifestDigest", to_hex(crypto::sha256(asked.manifest)));
  keys::Change change{call.caller()->iam_id, call.success_event(200), false};
  const std::size_t known = change.event.details.size();
  const auto imported = front.importer.import_chunk(
      {call.instance().id, transfer, asked.manifest, *asked.index, asked.chunk}, change);
  if (change.recorded) call.set_event_recorded();
  if (!imported) return imported.error();
  if (!change.recorded) {  // nothing to store, or not all at once
    for (std::size_t i = known; i < change.event.details.size(); ++i)
      call.detail(change.event.details[i].first, change.event.details[i].second);
  }
  Response response;
  JsonWriter json(response.body);
  json.begin_object().key("keys").begin_array();
  for (const keys::TransferredKey& key : *imported) write_transferred(json, key);
  json.end_array().end_object();
  return response;
}

Result<Response> close(const TransferFront& front, Call& call) {
  const Uuid transfer = KH_TRY(transfer_of(call));
  KH_TRY(front.unit.close_transfer(call.instance().id, transfer));
  return empty_response(204);
}

}  // namespace

Routes transfer_routes(TransferFront& front) {
  using enum Method;
  using iam::Action;
  const auto with = [&front](auto handler) {
    return [&front, handler](Call& call) { return handler(front, call); };
  };
  return {
      blocking(Get, "/v1/transfers", Action::TransferRead, Check::Instance, with(list)),
      blocking(Post, "/v1/transfers/{id}/chunks", Action::TransferExport, Check::Instance,
               with(export_chunk)),
      blocking(Post, "/v1/transfers/{id}/manifest", Action::TransferExport, Check::Instance,
               with(sign_manifest)),
      blocking(Post, "/v1/transfers/{id}/import", Action::TransferImport, Check::Instance,
               with(import_chunk)),
      blocking(Delete, "/v1/transfers/{id}", Action::TransferClose, Check::Instance, with(close)),
  };
}

}  // namespace keyhaven::http
