// ApiClient: sealed transfers of keys between deployments.
#include "client/connection.h"
#include "client/encode.h"
#include "client/transfers.h"

namespace keyhaven::client {
namespace {

CallSpec transfer_call(const char* method, const std::string& path, const char* what) {
  CallSpec spec;
  spec.method = method;
  spec.target = "/v1/transfers" + path;
  spec.instance_header = true;
  // Each step may be taken again: it gives the same content, or finds what the first try did.
  spec.repeat = Repeat::Safe;
  spec.what = what;
  return spec;
}

CallSpec step(const Uuid& transfer, const char* path, const char* what, JsonWriter& body) {
  CallSpec spec = transfer_call("POST", '/' + transfer.text() + path, what);
  spec.body = body.finish();
  spec.has_body = true;
  return spec;
}

}  // namespace

Result<Transfers> ApiClient::transfers() {
  auto response = KH_TRY(state_->call(transfer_call("GET", "", "list transfers")));
  return parse_transfers(text_of(response.body));
}

Result<ExportedChunk> ApiClient::export_chunk(const Uuid& transfer, std::uint32_t index,
                                              const std::optional<KeyId>& after) {
  JsonWriter body;
  body.begin_object().key("index").integer(index);
  if (after) body.key("after").string(after->text());
  body.end_object();
  auto response = KH_TRY(state_->call(step(transfer, "/chunks", "export keys", body)));
  return parse_exported_chunk(text_of(response.body));
}

Result<Bytes> ApiClient::sign_manifest(const Uuid& transfer, std::uint32_t keys,
                                       const std::vector<ChunkProof>& chunks) {
  JsonWriter body;
  body.begin_object().key("keys").integer(keys).key("chunks").begin_array();
  for (const ChunkProof& chunk : chunks) {
    body.begin_object()
        .key("digest")
        .string(to_hex(chunk.digest))
        .key("tag")
        .string(to_hex(chunk.tag))
        .end_object();
  }
  body.end_array().end_object();
  auto response = KH_TRY(state_->call(step(transfer, "/manifest", "sign manifest", body)));
  return parse_manifest(text_of(response.body));
}

Result<std::vector<ImportedKey>> ApiClient::import_chunk(const Uuid& transfer, ByteView manifest,
                                                         std::uint32_t index, ByteView chunk) {
  JsonWriter body;
  body.begin_object()
      .key("manifest")
      .base64(manifest)
      .key("index")
      .integer(index)
      .key("chunk")
      .base64(chunk)
      .end_object();
  auto response = KH_TRY(state_->call(step(transfer, "/import", "import keys", body)));
  return parse_imported_keys(text_of(response.body));
}

Result<void> ApiClient::close_transfer(const Uuid& transfer) {
  KH_TRY(state_->call(transfer_call("DELETE", '/' + transfer.text(), "close transfer")));
  return {};
}

}  // namespace keyhaven::client
