// Documents of a sealed transfer between two deployments that exist in the test only.
#pragma once

#include <string>

#include "cli/transfer_review.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "migrate/transfer_bundle.h"
#include "tke/transfer.h"

namespace keyhaven::cli {

struct DeploymentForTests {
  crypto::P521PrivateKey root_key = crypto::P521PrivateKey::generate();
  crypto::P521PrivateKey module_key = crypto::P521PrivateKey::generate();
  Bytes certificate = tke::make_oa_certificate(module_key.public_key(), "SERIAL01", root_key);
  tke::AttestationRoot root = tke::AttestationRoot::of(root_key.public_key());
  InstanceId instance{crypto::random_uuid()};
};

// An offer of `target` to `source`, and a bundle of two chunks for it.
struct TransferForTests {
  DeploymentForTests source;
  DeploymentForTests target;
  Timestamp now = Timestamp::from_seconds(1'800'000'000);
  tke::TransferOffer offer;
  Bytes encoded_offer;
  tke::TransferManifest manifest;
  migrate::BundleSummary bundle;
  std::vector<client::ExportedChunk> steps;

  TransferForTests() {
    offer.id = crypto::random_uuid();
    offer.target = target.instance;
    offer.source = source.instance;
    offer.source_root = source.root.ski;
    offer.expires = now.plus_seconds(3600);
    offer.import_key = crypto::P521PrivateKey::generate().public_key().point();
    encoded_offer = tke::encode_signed(offer, target.certificate, target.module_key);
    bundle.head = {offer.id, offer.source, offer.target, encoded_offer};
    for (std::uint32_t i = 0; i < 2; ++i) add_step(i);
    manifest.offer = crypto::sha256(encoded_offer);
    manifest.id = offer.id;
    manifest.source = offer.source;
    manifest.target = offer.target;
    manifest.ephemeral = crypto::P521PrivateKey::generate().public_key().point();
    manifest.keys = 2;
    for (const client::ChunkProof& chunk : bundle.chunks) manifest.chunks.push_back(chunk.digest);
    sign(source);
  }

  void sign(const DeploymentForTests& signer) {
    bundle.manifest = tke::encode_signed(manifest, signer.certificate, signer.module_key);
  }

  void write(const std::string& path) const {
    auto writer = migrate::BundleWriter::begin(path, bundle.head);
    KH_ASSERT(writer.has_value());
    for (const client::ExportedChunk& step : steps) KH_ASSERT(writer->add(step).has_value());
    KH_ASSERT(writer->finish(bundle.manifest).has_value());
  }

 private:
  void add_step(std::uint32_t index) {
    client::ExportedChunk step;
    step.index = index;
    step.chunk = to_bytes(as_bytes("sealed " + std::to_string(index)));
    step.proof.digest = crypto::sha256(step.chunk);
    KeyId key;
    key.uuid.bytes.fill(static_cast<std::uint8_t>(index + 1));
    step.keys = {{key, "key " + std::to_string(index), "a type", index + 1}};
    if (index == 0) step.next = key;
    if (index == 1)
      step.left_out = {{{crypto::random_uuid()}, "gone", "KEY_DELETED_ERR", "purged"}};
    bundle.chunks.push_back(step.proof);
    bundle.keys.push_back(step.keys[0]);
    bundle.left_out = step.left_out;
    steps.push_back(std::move(step));
  }
};

}  // namespace keyhaven::cli
