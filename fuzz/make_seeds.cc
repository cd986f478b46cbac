// Writes seeds of the binary formats with our own encoders: make_fuzz_seeds DIRECTORY
#include <cstdio>
#include <filesystem>

#include "audit/checkpoint.h"
#include "base/file.h"
#include "base/wire.h"
#include "channel/codec.h"
#include "crypto/random.h"
#include "instances/instance_record.h"
#include "keys/import_token.h"
#include "keys/key_record.h"
#include "keys/registration.h"
#include "keys/transfer_record.h"
#include "tke/admin.h"
#include "tke/attributes.h"
#include "tke/certificate.h"
#include "tke/der.h"
#include "tke/frame.h"
#include "tke/key_export.h"
#include "tke/key_file.h"
#include "tke/key_part.h"
#include "tke/oa_certificate.h"
#include "tke/share_file.h"
#include "tke/signer_file.h"
#include "tke/transfer.h"
#include "unit/key_blob.h"
#include "unit/record_journal.h"
#include "unit/table_state.h"
#include "unit/transfer_seal.h"
#include "unit/wrapped_dek.h"

using namespace keyhaven;

namespace {

constexpr Timestamp kTime = Timestamp{1'800'000'000'000'000};
std::string root_directory;

void seed(const std::string& target, const std::string& name, ByteView content) {
  const std::string directory = root_directory + "/" + target;
  std::filesystem::create_directories(directory);
  KH_ASSERT(write_file_atomic(directory + "/" + name, content, 0644).has_value());
}
void seed(const std::string& target, const std::string& name, std::string_view content) {
  seed(target, name, as_bytes(content));
}
// Behind a byte that chooses.
void seed(const std::string& target, const std::string& name, std::uint8_t choice,
          ByteView content) {
  Bytes out = {choice};
  append(out, content);
  seed(target, name, out);
}

Uuid uuid_of(std::uint8_t byte) {
  Uuid out;
  out.bytes.fill(byte);
  return out;
}
const InstanceId kInstance{uuid_of(0x11)};
const unit::KeyBinding kBinding{kInstance, KeyId{uuid_of(0x22)}, VersionId{uuid_of(0x33)}};

void administration() {
  const tke::LocalSigner signer(crypto::P521PrivateKey::generate());
  const tke::LocalSigner other(crypto::P521PrivateKey::generate());
  const Bytes certificate = tke::make_administrator_certificate("Alice", signer).value();
  seed("admin_certificate", "alice", certificate);
  const tke::AdminBlock block{tke::kAddAdministrator, 3,          7, Bytes(16, 'M'),
                              Bytes(16, 1),           certificate};
  const Bytes infos = tke::sign_block(tke::encode(block), {&signer, &other}).value();
  seed("signer_infos", "two", infos);
  const tke::AdminRequest request{3, tke::encode(block), infos};
  const Bytes payload = tke::encode(request);
  seed("tke_admin", "request", payload);
  seed("tke_admin", "block", request.block);
  seed("tke_admin", "info", tke::encode(tke::InfoRequest{3, tke::kInfoDomain}));
  const tke::AdminResponseBlock answer{tke::kAddAdministrator, 3, 7, Bytes(16, 'M'),
                                       Bytes(16, 1),           0, {}};
  const tke::AdminResponse response{3, 0, tke::encode(answer), infos};
  seed("tke_admin", "response", tke::encode(response));
  seed("tke_admin", "refusal", tke::encode(tke::AdminResponse{3, 84, {}, {}}));
  seed("tke_admin", "response_block", response.block);
  seed("tke_admin", "domain_info", tke::encode(tke::DomainInfo{}));
  seed("tke_admin", "attributes", tke::encode_for_query({2, 2}));
  seed("der", "request", payload);
  seed("der", "certificate", certificate);
  seed("tke_frame", "request", tke::format_request({1, 3, payload}));
  seed("tke_frame", "short", tke::format_request({1, 3, Bytes(4, 0x30)}));
  seed("tke_frame", "response", tke::format_response({3, 0, 0, tke::encode(response)}));
  seed("tke_frame", "error", tke::format_error_response({9, 4, 43, "wrong length"}));

  const Bytes oa = tke::make_oa_certificate(signer.public_key(), "00000001", other.private_key());
  seed("oa_certificate", "certificate", oa);
  seed("oa_certificate", "root", tke::AttestationRoot::of(signer.public_key()).text());

  const auto password = SecretBytes::copy_of(std::string_view("password"));
  seed("key_file", "signature",
       tke::encode_signature_key(signer.private_key(), "Alice", password).value());
  const SecretBytes part(tke::kMasterKeySize);
  seed("key_file", "part", tke::encode_key_part(part, "part one", password).value());
  seed("key_part", "sealed", 0, tke::seal_key_part(part, signer.public_key()).value());
  seed("key_part", "changed", 1, Bytes{20, 0, 0xFF});
}

void key_transport() {
  const auto importer = crypto::P521PrivateKey::generate();
  const Bytes request = tke::make_export_request(importer.public_key());
  const Bytes sealed =
      tke::seal_key_part(SecretBytes(tke::kMasterKeySize), importer.public_key()).value();
  seed("key_export", "parameters", 0, request);
  seed("key_export", "holder", 1, tke::make_key_part_holder(importer.public_key()));
  seed("key_export", "request", 2, request);
  seed("key_export", "answer", 3, tke::make_export_answer(sealed));
  const auto send = [](const std::string& name, std::uint32_t command, const Bytes& input) {
    const tke::AdminBlock block{command,      3,    5, to_bytes(as_bytes("KH000007instance")),
                                Bytes(16, 0), input};
    seed("unit_command", name, 1, tke::encode(tke::AdminRequest{3, tke::encode(block), Bytes{}}));
  };
  send("export", tke::kExportCurrentKey, request);
  send("attributes", tke::kQueryAttributes, {});
  send("reencrypt", tke::kReencryptBlob, Bytes(144, 'K'));
  const tke::AdminBlock inner{
      tke::kImportKeyParts, 3, 5, to_bytes(as_bytes("KH000007instance")), Bytes(16, 0), sealed};
  send("import", tke::kImportKeyParts,
       tke::encode(tke::AdminRequest{3, tke::encode(inner), Bytes(4, 0x30)}));
  seed("unit_command", "info", 1, tke::encode(tke::InfoRequest{3, tke::kInfoDomain}));
  seed("unit_command", "text", 0, as_bytes(tke::format_request({7, 3, Bytes(4, 0x30)})));

  const tke::RsaSigner old(crypto::RsaPrivateKey::generate_2048());
  seed("admin_certificate", "rsa", tke::make_administrator_certificate("Old", old).value());
  seed("signer_infos", "rsa", tke::sign_block(request, {&old}).value());
}

void ceremony_tools() {
  const SecretBytes part(tke::kMasterKeySize);
  auto made = tke::make_key_shares(part, "part1", "2026-11-26T10:00:00Z", 2, 3).value();
  const tke::LocalSigner signer(crypto::P521PrivateKey::generate());
  KH_ASSERT(tke::sign_transcript(made.transcript, "Alice", signer).has_value());
  seed("key_share", "transcript", tke::encode_transcript(made.transcript));
  const auto password = SecretBytes::copy_of(std::string_view("password"));
  seed("key_share", "share",
       tke::encode_key_share(made.shares[1], made.transcript, password).value());
  tke::SignerReference reference;
  reference.name = "alice";
  reference.uri = "pkcs11:token=ops;object=alice?module-path=/usr/lib/m.so";
  seed("key_share", "token", tke::encode_signer_reference(reference).value());
  reference.place = tke::SignerPlace::Service;
  reference.service_url = "https://sign.example";
  reference.service_key = "bob";
  seed("key_share", "service", tke::encode_signer_reference(reference).value());
}

void units() {
  Bytes dek = {'K', 'W', 1, 1};
  dek.resize(unit::kWrappedDekOverhead + 32, 0x55);
  seed("wrapped_dek", "dek", dek);
  seed("wrapped_dek", "aad", std::string_view("a,b;c"));
  for (const auto purpose : {unit::BlobPurpose::RootKey, unit::BlobPurpose::StandardKey}) {
    const auto header = unit::make_blob_header(purpose, {unit::BlobPattern{1, 2, 3}}, kBinding);
    Bytes blob(header.begin(), header.end());
    blob.resize(unit::kBlobOverhead + 32, 0x66);
    const bool is_root = purpose == unit::BlobPurpose::RootKey;
    seed("key_blob", is_root ? "root" : "standard", is_root ? 0 : 1, blob);
  }
  seed("unit_state", "fresh", unit::serialize_state(unit::make_table_state()).expose());
}

void records() {
  keys::KeyRecord key;
  key.instance = kInstance;
  key.id = kBinding.key;
  key.revision = 3;
  key.name = "payroll";
  key.tags = {"a", "b"};
  key.aliases = {"pay"};
  key.created = kTime;
  key.created_by = "iam-1";
  key.versions = {{kBinding.version, kTime, 256, {{1, 2, 3}}, {}},
                  {VersionId{uuid_of(0x44)}, kTime, 128, {{4}}, {}}};
  seed("key_record", "root", keys::encode(key));
  key.kind = keys::KeyKind::StandardKey;
  key.versions.resize(1);
  seed("key_record", "standard", keys::encode(key));

  keys::ImportToken token;
  token.instance = kInstance;
  token.id = uuid_of(0x66);
  token.created = token.expires = kTime;
  token.created_by = "iam-1";
  token.max_retrievals = 3;
  token.public_key = Bytes(20, 1);
  token.nonce.fill(2);
  token.private_key.bytes = Bytes(30, 3);
  seed("import_token", "token", keys::encode(token));

  keys::Registration registration;
  registration.instance = kInstance;
  registration.key = kBinding.key;
  registration.resource_crn = "crn:v1:bluemix:public:databases:eu-de:a/acc:inst:bucket:pay";
  registration.version = kBinding.version;
  registration.prevent_key_deletion = true;
  registration.description = "payroll";
  registration.metadata = "m";
  registration.created = registration.updated = kTime;
  registration.created_by = registration.updated_by = "iam-1";
  seed("registration", "active", keys::encode(registration));
  keys::TransferRecord record{key, {}};
  seed("transfer_record", "standard", keys::encode(record));
  record.key.kind = keys::KeyKind::RootKey;
  record.key.set_policies({keys::RotationPolicy{}, keys::DualAuthPolicy{}, {}, {}, kTime});
  record.registrations = {registration};
  seed("transfer_record", "root", keys::encode(record));
  registration.active = false;
  seed("registration", "deactivated", keys::encode(registration));
  keys::LifecycleEvent lifecycle;
  lifecycle.instance = kInstance;
  lifecycle.id = uuid_of(0x55);
  lifecycle.key = kBinding.key;
  lifecycle.version = kBinding.version;
  lifecycle.resource_crn = registration.resource_crn;
  lifecycle.created = lifecycle.deadline = kTime;
  seed("lifecycle_event", "pending", keys::encode(lifecycle));
  lifecycle.kind = keys::LifecycleKind::MigrationIntent;
  lifecycle.acknowledged = kTime;
  lifecycle.acknowledged_by = "iam-1";
  lifecycle.adopter_key_state = "DEK_ENABLED";
  seed("lifecycle_event", "acknowledged", keys::encode(lifecycle));

  instances::InstanceRecord instance;
  instance.id = kInstance;
  instance.revision = 1;
  instance.name = "beta";
  instance.plan = "beta";
  instance.region = "local";
  instance.created = kTime;
  seed("instance_record", "beta", instances::encode(instance));
  using instances::PolicyType;
  instance.policies.set({PolicyType::AllowedIp, true,
                         instances::AllowedIp{instances::IpNetwork::parse("192.0.2.0/24").value(),
                                              instances::IpNetwork::parse("::1/128").value()}},
                        "IBMid-1", kTime);
  instance.policies.set({PolicyType::AllowedNetwork, true, instances::AllowedNetwork::PrivateOnly},
                        "IBMid-1", kTime);
  instance.policies.set(
      {PolicyType::KeyCreateImportAccess, true, instances::KeyCreateImportAccess()}, "IBMid-1",
      kTime);
  instance.policies.set({PolicyType::Rotation, true, instances::RotationInterval{6}}, "IBMid-1",
                        kTime);
  instance.policies.set({PolicyType::Metrics, false, {}}, "IBMid-1", kTime);
  instance.own_limits = 0x3ff;
  seed("instance_record", "policies", instances::encode(instance));

  audit::Event event;
  event.time = kTime;
  event.action = "hs-crypto.secrets.wrap";
  event.outcome = audit::Outcome::Success;
  event.status = 200;
  std::string line;
  audit::append_record(line, audit::genesis("management"), event);
  line.pop_back();
  seed("audit_record", "record", line);
  line.clear();
  std::string event_json;
  audit::append_json(event_json, event);
  audit::append_record(line, audit::genesis("management"), event_json, 12);
  line.pop_back();
  seed("audit_record", "outbox", line);
  line.clear();
  audit::append_checkpoint(line, audit::genesis(audit::kCheckpointStream), kTime,
                           {{"management", {5, {}}}}, crypto::Ed25519PrivateKey::generate());
  line.pop_back();
  seed("audit_record", "checkpoint", line);
}

// Each entry with its size in front.
void record_journals() {
  const unit::RecordName name{1, {}};
  const unit::PackedSeal seal = unit::pack_seal(1, 1);
  const auto journal = [](const std::string& name_of_seed, std::vector<unit::RecordEntry> entries) {
    Bytes out;
    for (const unit::RecordEntry& entry : entries) {
      const Bytes bytes = unit::encode(entry);
      Writer(out).u16(static_cast<std::uint16_t>(bytes.size()));
      append(out, bytes);
    }
    seed("record_journal", name_of_seed, out);
  };
  journal("group", {unit::MarkEntry{0, 0},
                    unit::SealedEntry{1, {{kInstance, name, seal}, {kInstance, {2, {}}, 0}}},
                    unit::SettledEntry{1, true}, unit::SealedEntry{2, {{kInstance, name, 0}}}});
  journal("snapshot", {unit::ScopeEntry{0, kInstance, 9},
                       unit::RecordsEntry{{{{0, name}, seal}, {{0, {2, {}}}, seal + 1}}},
                       unit::SealedEntry{3, {{kInstance, name, seal + 2}}}, unit::MarkEntry{1, 2},
                       unit::SettledEntry{3, false}});
}

class Frames {
 public:
  explicit Frames(std::string target) : target_(std::move(target)) {}
  template <class Encode>
  void add(const std::string& name, Encode encode) {
    channel::SecretBuffer out(channel::kBufferSize, channel::kMaxFrameSize);
    KH_ASSERT(encode(out).has_value());
    seed(target_, name, out.filled().subspan(channel::kFramePrefixSize));
  }

 private:
  std::string target_;
};

void calls() {
  const channel::CallHeader header{1, 2};
  const unit::KeyBlob blob{Bytes(144, 0x77)};
  const Bytes dek(108, 0x55);
  const SecretBytes secret(32);
  using Out = channel::SecretBuffer;
  Frames calls("channel_request");
  calls.add("create_units", [&](Out& out) {
    return channel::encode_create_units(out, header, kInstance, "local", 2);
  });
  calls.add("administer", [&](Out& out) {
    return channel::encode_administer(out, header, kInstance, UnitId{uuid_of(5)}, "1;2;3");
  });
  calls.add("root", [&](Out& out) { return channel::encode_attestation_root(out, header); });
  calls.add("import", [&](Out& out) {
    return channel::encode_import_root_key(out, header, kBinding, secret);
  });
  calls.add("wrap", [&](Out& out) {
    return channel::encode_wrap(out, header, kBinding, blob, secret.expose(), {"a", "b"});
  });
  const unit::CryptoUnit::Newest newest{kBinding, &blob};
  calls.add("unwrap", [&](Out& out) {
    return channel::encode_unwrap(out, header, kBinding, blob, dek, {"a"}, &newest);
  });
  calls.add("rewrap", [&](Out& out) {
    return channel::encode_rewrap(out, header, kBinding, blob, dek, {}, newest);
  });
  calls.add("create_import_token",
            [&](Out& out) { return channel::encode_create_import_token(out, header, kBinding); });
  const unit::EncryptedMaterial material{Bytes(512, 1), Bytes(28, 2), Bytes(12, 3)};
  calls.add("import_encrypted", [&](Out& out) {
    return channel::encode_import_encrypted_root_key(out, header, kBinding, kBinding, blob,
                                                     material);
  });
  const std::vector<unit::KeyBlob> blobs = {blob, blob};
  calls.add("drop", [&](Out& out) { return channel::encode_drop(out, header, blobs); });
  const unit::RecordName name{1, {}};
  calls.add("seal_records", [&](Out& out) {
    return channel::encode_seal_records(out, header, 7,
                                        {{kInstance, name, Digest{}}, {kInstance, {2, {}}, {}}});
  });
  calls.add("check_records", [&](Out& out) {
    return channel::encode_check_records(
        out, header, 7,
        {{kInstance, name, {}, unit::RecordSeal{1, 2, {}}}, {kInstance, {2, {}}, {}, {}}});
  });
  calls.add("settle_records",
            [&](Out& out) { return channel::encode_settle_records(out, header, 7, true); });

  using channel::Op;
  Frames answers("channel_response");
  answers.add("wrap", [&](Out& out) {
    return channel::encode_answer<unit::WrapResult>(out, 1, Op::Wrap,
                                                    unit::WrapResult{dek, SecretBytes(32)});
  });
  answers.add("unwrap", [&](Out& out) {
    return channel::encode_answer<unit::UnwrapResult>(out, 1, Op::Unwrap,
                                                      unit::UnwrapResult{SecretBytes(32), dek});
  });
  answers.add("root_key", [&](Out& out) {
    return channel::encode_answer<unit::SealedRootKey>(out, 1, Op::GenerateRootKey,
                                                       unit::SealedRootKey{blob, {}});
  });
  answers.add("import_token", [&](Out& out) {
    return channel::encode_answer<unit::ImportTokenKey>(
        out, 1, Op::CreateImportToken, unit::ImportTokenKey{blob, Bytes(550, 4), {}});
  });
  answers.add("units", [&](Out& out) {
    return channel::encode_answer<std::vector<unit::UnitStatus>>(out, 1, Op::ListUnits,
                                                                 std::vector<unit::UnitStatus>(2));
  });
  answers.add("record_seals", [&](Out& out) {
    return channel::encode_answer<std::vector<unit::RecordSeal>>(out, 1, Op::SealRecords,
                                                                 std::vector<unit::RecordSeal>(2));
  });
  answers.add("record_check", [&](Out& out) {
    unit::RecordCheckResult result;
    result.differences.resize(1);
    result.missing.push_back({kInstance, name});
    return channel::encode_answer<unit::RecordCheckResult>(out, 1, Op::EndRecordCheck, result);
  });
  answers.add("error", [&](Out& out) {
    return channel::encode_answer<Bytes>(out, 1, Op::Rewrap,
                                         Error{Reason::DecryptFailed, "no", "field"});
  });
}

// The byte in front is the choice of fuzz/transfer_documents.cc.
void transfers() {
  const auto module = crypto::P521PrivateKey::generate();
  const auto root = crypto::P521PrivateKey::generate();
  const Bytes certificate = tke::make_oa_certificate(module.public_key(), "KH000001", root);
  tke::TransferOffer offer;
  offer.target = kInstance;
  offer.expires = kTime;
  offer.import_key = module.public_key().point();
  const Bytes encoded = tke::encode_signed(offer, certificate, module);
  seed("transfer_documents", "offer", 0, encoded);
  tke::TransferManifest manifest;
  manifest.ephemeral = module.public_key().point();
  manifest.keys = 3;
  manifest.chunks = {Digest{1}, Digest{2}};
  seed("transfer_documents", "manifest", 0, tke::encode_signed(manifest, certificate, module));
  const tke::OfferInput offered{root.public_key(), kInstance, InstanceId{uuid_of(0x12)}, kTime};
  seed("transfer_documents", "offer-input", 1, tke::encode(offered));
  const tke::AuthorizeInput authorized{root.public_key(), kInstance, kTime, encoded};
  seed("transfer_documents", "authorize-input", 2, tke::encode(authorized));
  const tke::ConsentInput consented{uuid_of(0x44), Digest{9}, 3};
  seed("transfer_documents", "consent-input", 3, tke::encode(consented));
  const unit::TravellingKey root_key{
      unit::BlobPurpose::RootKey,
      kBinding.key,
      Bytes(20, 0x52),
      {{kBinding.version, Bytes(72, 0x53)}, {VersionId{uuid_of(0x34)}, Bytes(56, 0x54)}}};
  const unit::TravellingKey standard{unit::BlobPurpose::StandardKey,
                                     KeyId{uuid_of(0x23)},
                                     {},
                                     {{VersionId{uuid_of(0x23)}, Bytes(41, 0x55)}}};
  seed("transfer_documents", "chunk", 4,
       unit::encode_transfer_chunk(Uuid{}, 0, {root_key, standard}));
  tke::AdminBlock block;
  block.command = tke::kAuthorizeTransfer;
  block.domain_index = 3;
  block.domain_instance = 5;
  block.module_id = Bytes(tke::kModuleIdSize, 0x41);
  block.counter = Bytes(tke::kCounterSize, 1);
  block.input = tke::encode(authorized);
  seed("transfer_documents", "block", 5, tke::encode(block));
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: make_fuzz_seeds DIRECTORY\n", stderr);
    return 2;
  }
  root_directory = arguments[1];
  administration();
  key_transport();
  ceremony_tools();
  units();
  records();
  calls();
  record_journals();
  transfers();
  return 0;
}
