#include "knowledge.h"

#include <sstream>

#include "crypto/random.h"
#include "unit/ceremony_for_tests.h"

namespace keyhaven::attacks {
namespace {

using unit::TestDeployment;

std::string hex_of(const SecretBytes& secret) { return to_hex(secret.expose()); }

unit::KeyBinding new_binding(const InstanceId& instance) {
  return {instance, {crypto::random_uuid()}, {crypto::random_uuid()}};
}

std::string text_of(const unit::KeyBinding& binding) {
  return binding.key.text() + " " + binding.version.text();
}

Result<unit::KeyBinding> binding_of(const InstanceId& instance, std::istream& in) {
  std::string key;
  std::string version;
  in >> key >> version;
  return unit::KeyBinding{instance, KH_TRY(KeyId::parse(key)), KH_TRY(VersionId::parse(version))};
}

}  // namespace

std::string Knowledge::text() const {
  std::ostringstream out;
  out << root_key.instance.text() << "\n"
      << text_of(root_key) << "\n"
      << text_of(standard_key) << "\n"
      << to_hex(root_blob.bytes) << "\n"
      << to_hex(standard_blob.bytes) << "\n"
      << to_hex(wrapped_dek) << "\n"
      << to_hex(attestation_root) << "\n"
      << frames.size() << "\n";
  for (const std::string& frame : frames) out << to_hex(as_bytes(frame)) << "\n";
  return out.str();
}

Result<Knowledge> Knowledge::parse(const std::string& text) {
  std::istringstream in(text);
  const auto bytes = [&in]() -> Result<Bytes> {
    std::string word;
    in >> word;
    return from_hex(word);
  };
  std::string instance_text;
  in >> instance_text;
  const InstanceId instance = KH_TRY(InstanceId::parse(instance_text));
  Knowledge out;
  out.root_key = KH_TRY(binding_of(instance, in));
  out.standard_key = KH_TRY(binding_of(instance, in));
  out.root_blob.bytes = KH_TRY(bytes());
  out.standard_blob.bytes = KH_TRY(bytes());
  out.wrapped_dek = KH_TRY(bytes());
  out.attestation_root = KH_TRY(bytes());
  std::size_t count = 0;
  in >> count;
  for (std::size_t i = 0; i < count; ++i) {
    const Bytes frame = KH_TRY(bytes());
    out.frames.emplace_back(as_text(frame));
  }
  return out;
}

Result<Knowledge> prepare(CapturedServer& server, std::string& canaries) {
  channel::BlockingClient& client = server.client();
  Knowledge out;
  const InstanceId instance{crypto::random_uuid()};
  out.attestation_root = KH_TRY(client.attestation_root());
  const auto root_key = KH_TRY(crypto::P521PublicKey::from_spki(out.attestation_root));
  const auto root = tke::AttestationRoot::of(root_key);
  const unit::Administrators administrators(2);
  const std::vector<SecretBytes> parts = unit::random_parts(2);
  SecretBytes master = parts[0].clone();
  for (std::size_t i = 0; i < master.size(); ++i)
    master.expose_mutable()[i] ^= parts[1].expose()[i];
  out.units = KH_TRY(client.create_units(instance, "local", 2));
  for (std::size_t number = 0; number < out.units.size(); ++number) {
    const unit::UnitStatus& status = out.units[number];
    const auto relay = [&, number](const std::string& request) {
      if (number == 0) out.frames.push_back(request);
      return client.administer(instance, status.id, request);
    };
    auto session = KH_TRY(tke::UnitSession::open(relay, TestDeployment::target(status), root));
    KH_TRY(TestDeployment::enroll(session, administrators));
    KH_TRY(TestDeployment::load(session, administrators, parts));
  }
  const SecretBytes material = crypto::random_secret(32);
  const SecretBytes payload = crypto::random_secret(48);
  const SecretBytes dek = crypto::random_secret(32);
  out.root_key = new_binding(instance);
  out.standard_key = new_binding(instance);
  out.root_blob = KH_TRY(client.import_root_key(out.root_key, material)).blob;
  out.standard_blob = KH_TRY(client.create_standard_key(out.standard_key, payload));
  out.wrapped_dek = KH_TRY(client.wrap(out.root_key, out.root_blob, dek, {"bound"})).wrapped_dek;
  canaries = "master-key " + hex_of(master) + "\nkey-part-1 " + hex_of(parts[0]) + "\nkey-part-2 " +
             hex_of(parts[1]) + "\nroot-key " + hex_of(material) + "\nstandard-key " +
             hex_of(payload) + "\ndek " + hex_of(dek) + "\n";
  return out;
}

}  // namespace keyhaven::attacks
