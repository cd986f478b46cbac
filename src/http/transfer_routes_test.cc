// A transfer of keys by the calls of the API, from one deployment's instance to another's: one API
// stands for both servers.
#include "http/transfer_routes.h"

#include <boost/json.hpp>

#include "http/key_test_api.h"
#include "keys/transfer_for_tests.h"

namespace keyhaven::http::key_tests {
namespace {

namespace json = boost::json;

// Each instance at its own deployment's unit.
class BothUnits final : public unit::KeyTransfer {
 public:
  BothUnits(keys::TransferSide& source, keys::TransferSide& target)
      : source_(source), target_(target) {}
  Result<unit::TransferStatus> transfers(const InstanceId& instance) override {
    return of(instance).transfers(instance);
  }
  Result<unit::TransferChunk> export_chunk(const InstanceId& instance, const Uuid& transfer,
                                           std::uint32_t index,
                                           const std::vector<unit::TransferKey>& keys) override {
    return of(instance).export_chunk(instance, transfer, index, keys);
  }
  Result<Bytes> sign_manifest(const InstanceId& instance, const Uuid& transfer, std::uint32_t keys,
                              const std::vector<unit::ChunkProof>& chunks) override {
    return of(instance).sign_manifest(instance, transfer, keys, chunks);
  }
  Result<std::vector<unit::TransferKey>> import_chunk(const InstanceId& instance, ByteView manifest,
                                                      std::uint32_t index,
                                                      ByteView chunk) override {
    return of(instance).import_chunk(instance, manifest, index, chunk);
  }
  Result<void> close_transfer(const InstanceId& instance, const Uuid& transfer) override {
    return of(instance).close_transfer(instance, transfer);
  }

 private:
  unit::KeyTransfer& of(const InstanceId& instance) {
    return instance == source_.instance ? source_.transfer : target_.transfer;
  }
  keys::TransferSide& source_;
  keys::TransferSide& target_;
};

class TransferRoutesTest : public testing::Test, protected keys::TransferWorld, protected TestApi {
 protected:
  void SetUp() override {
    add_caller("manager", {iam::Role::Manager}, std::nullopt);
    add_caller("reader", {iam::Role::Reader}, std::nullopt);
    add_caller("writer", {iam::Role::Writer}, std::nullopt);
    TestApi::api.add(transfer_routes(front_));
  }
  net::Response ask(const std::string& method, const std::string& path,
                    const std::string& body = {}, const InstanceId& instance = {},
                    const std::string& token = "manager") {
    const std::string header = instance == InstanceId{} ? source.instance.text() : instance.text();
    return call(method, "/v1/transfers" + path, body,
                {{"Authorization", "Bearer " + token}, {"Bluemix-Instance", header}});
  }
  static json::object body_of(const net::Response& response) {
    return json::parse(response.body).as_object();
  }
  static std::string text(const json::object& object, std::string_view name) {
    return std::string(object.at(name).as_string());
  }
  std::string path(const std::string& step) const { return "/" + transfer.text() + step; }
  static std::string code_of(const net::Response& response) {
    const json::object body = body_of(response);
    const auto& resource = body.at("resources").as_array().at(0).as_object();
    return text(resource.at("reasons").as_array().at(0).as_object(), "code");
  }
  // The one event of the last call, as "name=value".
  std::map<std::string, std::string> details() {
    const auto events = audit.take();
    EXPECT_EQ(events.size(), 1U);
    if (events.empty()) return {};
    std::map<std::string, std::string> out(events[0].details.begin(), events[0].details.end());
    out["action"] = events[0].action;
    return out;
  }
  static std::string import_body(const std::string& manifest, const std::string& chunk) {
    return json::serialize(json::object{{"manifest", manifest}, {"index", 0}, {"chunk", chunk}});
  }

  BothUnits units_{source, target};
  TransferFront front_{units_, source.server->exporter, target.server->importer};
};

TEST_F(TransferRoutesTest, KeysGoFromOneDeploymentToTheOther) {
  const keys::KeyRecordPtr key = source.root_key({"pay"});
  const SecretBytes dek = crypto::random_secret(32);
  const Bytes wrapped = source.wrap(key, dek);
  open_transfer();
  audit.take();

  const net::Response open = ask("GET", "", {}, {}, "reader");
  EXPECT_EQ(open.status, 200) << open.body;
  const json::object outgoing = body_of(open).at("outgoing").as_array().at(0).as_object();
  EXPECT_EQ(text(outgoing, "id"), transfer.text());
  EXPECT_EQ(text(outgoing, "target"), target.instance.text());
  EXPECT_EQ(text(outgoing, "expires"), "2026-01-03T03:04:05Z");
  audit.take();

  const net::Response exported = ask("POST", path("/chunks"), R"({"index":0})");
  ASSERT_EQ(exported.status, 200) << exported.body;
  const json::object chunk = body_of(exported);
  EXPECT_TRUE(chunk.at("next").is_null());
  EXPECT_TRUE(chunk.at("left_out").as_array().empty());
  EXPECT_EQ(json::serialize(chunk.at("keys")),
            R"([{"id":")" + key->id.text() +
                R"(","name":"payroll","type":"application/vnd.ibm.kms.key+json",)"
                R"("extractable":false,"versions":1}])");
  auto event = details();
  EXPECT_EQ(event["action"], "hs-crypto.transfer.export");
  EXPECT_EQ(event["requestData.transferId"], transfer.text());
  EXPECT_EQ(event["requestData.chunkIndex"], "0");
  EXPECT_EQ(event["responseData.digest"], text(chunk, "digest"));
  EXPECT_EQ(event["responseData.exported"], "1");
  EXPECT_EQ(event["responseData.exportedKeyIds"], key->id.text());

  const json::object proof{{"digest", chunk.at("digest")}, {"tag", chunk.at("tag")}};
  const net::Response signed_list =
      ask("POST", path("/manifest"),
          json::serialize(json::object{{"keys", 1}, {"chunks", json::array{proof}}}));
  ASSERT_EQ(signed_list.status, 200) << signed_list.body;
  const std::string manifest = text(body_of(signed_list), "manifest");
  const Bytes encoded = from_base64(manifest).value();
  EXPECT_EQ(text(body_of(signed_list), "digest"), to_hex(crypto::sha256(encoded)));
  event = details();
  EXPECT_EQ(event["responseData.manifestDigest"], to_hex(crypto::sha256(encoded)));
  EXPECT_EQ(event["requestData.chunks"], "1");

  const std::string import = import_body(manifest, text(chunk, "chunk"));
  const net::Response early = ask("POST", path("/import"), import, target.instance);
  EXPECT_EQ(early.status, 409);
  EXPECT_EQ(code_of(early), "TRANSFER_NOT_ALLOWED_ERR");
  EXPECT_EQ(details()["requestData.digest"], text(chunk, "digest"));
  target.session()
      .consent_transfer({transfer, crypto::sha256(encoded), 1}, pair().administrators.all())
      .value();
  const net::Response waiting = ask("GET", "", {}, target.instance);
  EXPECT_EQ(text(body_of(waiting).at("incoming").as_array().at(0).as_object(), "manifest"),
            to_hex(crypto::sha256(encoded)));
  audit.take();

  const net::Response imported = ask("POST", path("/import"), import, target.instance);
  ASSERT_EQ(imported.status, 200) << imported.body;
  EXPECT_EQ(imported.body, R"({"keys":[{"id":")" + key->id.text() +
                               R"(","name":"payroll","outcome":"imported"}]})");
  EXPECT_TRUE(audit.take().empty()) << "the event is in the store with the key";
  const auto stored = target.store.events();
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored[0].action, "hs-crypto.transfer.import");
  const std::map<std::string, std::string> told(stored[0].details.begin(), stored[0].details.end());
  EXPECT_EQ(told.at("requestData.transferId"), transfer.text());
  EXPECT_EQ(told.at("requestData.digest"), text(chunk, "digest"));
  EXPECT_EQ(told.at("responseData.importedKeyIds"), key->id.text());
  EXPECT_TRUE(target.unwrap(key, wrapped) == dek);

  const net::Response again = ask("POST", path("/import"), import, target.instance);
  EXPECT_NE(again.body.find(R"("outcome":"present")"), std::string::npos) << again.body;
  EXPECT_EQ(details()["responseData.presentKeyIds"], key->id.text());
  EXPECT_EQ(target.store.events().size(), 1U);

  for (const InstanceId& side : {source.instance, target.instance}) {
    EXPECT_EQ(ask("DELETE", path(""), {}, side).status, 204);
    EXPECT_EQ(details()["requestData.transferId"], transfer.text());
    EXPECT_EQ(ask("DELETE", path(""), {}, side).status, 204) << "repeated";
    audit.take();
  }
  EXPECT_EQ(ask("GET", "").body, R"({"outgoing":[],"incoming":[]})");
  EXPECT_EQ(ask("POST", path("/import"), import, target.instance).status, 409);
  EXPECT_EQ(ask("POST", path("/chunks"), R"({"index":0})").status, 409);
}

TEST_F(TransferRoutesTest, WhatStaysBehindAndWhatIsRefusedHasCodeAndReason) {
  source.root_key({"pay"});
  target.root_key({"pay"});
  const keys::TransferBundle bundle = bring();
  const net::Response refused =
      ask("POST", path("/import"),
          import_body(to_base64(bundle.manifest), to_base64(bundle.chunks[0])), target.instance);
  EXPECT_EQ(refused.status, 200);
  const json::object key = body_of(refused).at("keys").as_array().at(0).as_object();
  EXPECT_EQ(text(key, "outcome"), "refused");
  EXPECT_EQ(text(key, "code"), "KEY_ALIAS_NOT_UNIQUE_ERR");
  EXPECT_FALSE(text(key, "message").empty());
  KeyId gone;
  gone.uuid.bytes.fill(0xFE);
  source.directory().quarantine().add_key(source.instance, gone, "old");
  const std::string from = R"({"index":1,"after":")" + bundle.parts[0].keys[0]->id.text() + R"("})";
  const net::Response rest = ask("POST", path("/chunks"), from);
  EXPECT_EQ(rest.status, 200) << rest.body;
  EXPECT_TRUE(rest.body.starts_with(R"({"index":1,"chunk":null,"keys":[],"next":null,)"
                                    R"("left_out":[{"id":"fefefefe-)"))
      << rest.body;
  EXPECT_NE(rest.body.find(R"("code":"RECORD_NOT_AUTHENTIC_ERR")"), std::string::npos);
}

TEST_F(TransferRoutesTest, BadBodiesAreRefusedWithTheirField) {
  open_transfer();
  const std::string digest(64, 'a');
  const std::string proof = R"({"digest":")" + digest + R"(","tag":")" + digest + R"("})";
  const struct {
    std::string step;
    std::string body;
  } cases[] = {
      {"/chunks", ""},
      {"/chunks", "{}"},
      {"/chunks", R"({"index":-1})"},
      {"/chunks", R"({"index":4096})"},
      {"/chunks", R"({"index":"0"})"},
      {"/chunks", R"({"index":0,"after":"nobody"})"},
      {"/chunks", R"({"index":0,"more":1})"},
      {"/manifest", R"({"keys":1})"},
      {"/manifest", R"({"keys":1,"chunks":[]})"},
      {"/manifest", R"({"keys":0,"chunks":[)" + proof + "]}"},
      {"/manifest", R"({"chunks":[)" + proof + "]}"},
      {"/manifest", R"({"keys":1,"chunks":[{"digest":")" + digest + R"("}]})"},
      {"/manifest", R"({"keys":1,"chunks":[{"digest":"aa","tag":")" + digest + R"("}]})"},
      {"/import", R"({"index":0,"manifest":"AA=="})"},
      {"/import", R"({"index":0,"chunk":"AA=="})"},
      {"/import", R"({"manifest":"AA==","chunk":"AA=="})"},
      {"/import", R"({"index":0,"manifest":"AA=","chunk":"AA=="})"},
  };
  for (const auto& each : cases) {
    audit.take();
    const net::Response answer = ask("POST", path(each.step), each.body);
    EXPECT_EQ(answer.status, 400) << each.step << " " << each.body << " " << answer.body;
    EXPECT_EQ(audit.take().size(), 1U) << each.body;
  }
  EXPECT_EQ(ask("POST", "/nothing/chunks", R"({"index":0})").status, 400);
  // In the right form, but not what the unit made.
  EXPECT_EQ(ask("POST", path("/manifest"), R"({"keys":1,"chunks":[)" + proof + "]}").status, 403);
}

TEST_F(TransferRoutesTest, ReadersSeeOnlyManagersMove) {
  for (const char* token : {"reader", "writer"}) {
    EXPECT_EQ(ask("GET", "", {}, {}, token).status, 200);
    for (const char* step : {"/chunks", "/manifest", "/import"})
      EXPECT_EQ(ask("POST", path(step), R"({"index":0})", {}, token).status, 401) << step;
    EXPECT_EQ(ask("DELETE", path(""), {}, {}, token).status, 401);
  }
}

}  // namespace
}  // namespace keyhaven::http::key_tests
