// Another crypto unit with the same answers: the base of units for tests that differ in some.
#pragma once

#include "unit/crypto_unit.h"

namespace keyhaven::unit {

class ForwardingUnit : public CryptoUnit {
 public:
  explicit ForwardingUnit(CryptoUnit& real) : real_(real) {}

  Result<std::vector<UnitStatus>> create_units(const InstanceId& i, const std::string& r,
                                               UnitCounts n) override {
    return real_.create_units(i, r, n);
  }
  Result<std::vector<UnitStatus>> resize_units(const InstanceId& i, UnitCounts n) override {
    return real_.resize_units(i, n);
  }
  Result<void> remove_units(const InstanceId& i) override { return real_.remove_units(i); }
  Result<Bytes> attestation_root() override { return real_.attestation_root(); }
  Result<SealingStatus> sealing() override { return real_.sealing(); }
  Result<SealingStatus> change_sealing(const SealingChange& c) override {
    return real_.change_sealing(c);
  }
  Result<SealedRootKey> generate_root_key(const KeyBinding& b) override {
    return real_.generate_root_key(b);
  }
  Result<SealedRootKey> import_root_key(const KeyBinding& b, const SecretBytes& m) override {
    return real_.import_root_key(b, m);
  }
  Result<ImportTokenKey> create_import_token(const KeyBinding& t) override {
    return real_.create_import_token(t);
  }
  Result<SealedRootKey> import_encrypted_root_key(const KeyBinding& b, const KeyBinding& t,
                                                  const KeyBlob& k,
                                                  const EncryptedMaterial& m) override {
    return real_.import_encrypted_root_key(b, t, k, m);
  }
  Result<KeyBlob> create_standard_key(const KeyBinding& b, const SecretBytes& p) override {
    return real_.create_standard_key(b, p);
  }
  Result<SecretBytes> open_standard_key(const KeyBinding& b, const KeyBlob& k) override {
    return real_.open_standard_key(b, k);
  }
  Result<WrapResult> wrap(const KeyBinding& b, const KeyBlob& k, const SecretBytes& d,
                          const AadList& a) override {
    return real_.wrap(b, k, d, a);
  }
  Result<UnwrapResult> unwrap(const KeyBinding& b, const KeyBlob& k, ByteView w, const AadList& a,
                              const Newest* n) override {
    return real_.unwrap(b, k, w, a, n);
  }
  Result<Bytes> rewrap(const KeyBinding& b, const KeyBlob& k, ByteView w, const AadList& a,
                       const Newest& n) override {
    return real_.rewrap(b, k, w, a, n);
  }
  Result<void> drop(const std::vector<KeyBlob>& blobs) override { return real_.drop(blobs); }

  Result<std::string> administer(const InstanceId& i, const UnitId& u,
                                 const std::string& r) override {
    return real_.administer(i, u, r);
  }
  Result<std::vector<UnitStatus>> list_units(const InstanceId& i) override {
    return real_.list_units(i);
  }
  Result<KeyBlob> reseal(BlobPurpose p, const KeyBinding& b, const KeyBlob& k,
                         const BlobPattern& t) override {
    return real_.reseal(p, b, k, t);
  }

 protected:
  CryptoUnit& real_;
};

}  // namespace keyhaven::unit
