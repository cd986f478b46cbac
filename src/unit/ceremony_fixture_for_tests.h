// Fixtures of the tests of a unit's rules: a deployment with one instance of two units, sessions
// with them, and blocks made by hand.
#pragma once

#include <gtest/gtest.h>

#include "tke/frame.h"
#include "unit/ceremony_for_tests.h"

namespace keyhaven::unit {

class CeremonyTest : public testing::Test {
 protected:
  CeremonyTest() { units_ = deployment_.table().create_units(instance_, "local", 2).value(); }
  tke::UnitSession session(std::size_t unit = 0) {
    return deployment_.session(instance_, units_[unit]);
  }
  tke::UnitSession enrolled(std::uint32_t threshold = 2) {
    auto with = session();
    TestDeployment::enroll(with, administrators_, threshold).value();
    return with;
  }
  UnitStatus status(std::size_t unit = 0) {
    return deployment_.table().list_units(instance_).value()[unit];
  }

  // The result must be a refusal with exactly these codes.
  template <class T>
  static void expect_refused(const tke::UnitSession& with, const Result<T>& result,
                             tke::Status expected) {
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(with.last_status().return_code, expected.return_code) << result.error().message;
    EXPECT_EQ(with.last_status().reason_code, expected.reason_code) << result.error().message;
  }

  Result<tke::VerificationPattern> import(tke::UnitSession& with,
                                          const std::vector<SecretBytes>& parts,
                                          const std::vector<tke::Signers>& signers) {
    const auto importer = KH_TRY(with.generate_importer(administrators_.some({0})));
    std::vector<tke::SignedKeyPart> list;
    for (std::size_t i = 0; i < parts.size(); ++i) list.push_back({&parts[i], signers[i]});
    return with.import_key_parts(importer, list);
  }

  InstanceId instance_ = test_instance(1);
  TestDeployment deployment_;
  Administrators administrators_{2};
  Administrators strangers_{1};
  std::vector<UnitStatus> units_;
};

// Blocks made by hand instead of a session's.
class FreshnessTest : public CeremonyTest {
 protected:
  // A signed "clear new register", changed by `edit` before signing; returns the unit's codes.
  template <class Edit>
  tke::Status send(Edit edit) {
    tke::AdminBlock block = present();
    block.command = tke::kClearPending;
    ++block.counter.back();
    edit(block);
    return send_signed(block);
  }
  // Instance, module id and counter as the unit has them.
  tke::AdminBlock present() {
    tke::AdminBlock query;
    query.command = tke::kQueryAttributes;
    query.domain_index = units_[0].domain_index;
    const auto answer = exchange(query, {});
    tke::AdminBlock out;
    out.domain_index = answer.domain_index;
    out.domain_instance = answer.domain_instance;
    out.module_id = answer.module_id;
    out.counter = answer.counter;
    return out;
  }
  tke::Status send_signed(const tke::AdminBlock& block) {
    const auto answer =
        exchange(block, tke::sign_block(tke::encode(block), administrators_.all()).value());
    return {answer.return_code, answer.reason_code()};
  }
  tke::AdminResponseBlock exchange(const tke::AdminBlock& block, const Bytes& signatures) {
    const tke::AdminRequest request{units_[0].domain_index, tke::encode(block), signatures};
    const std::string frame =
        tke::format_request({units_[0].module_index, units_[0].domain_index, tke::encode(request)});
    const std::string text = deployment_.table().administer(instance_, units_[0].id, frame).value();
    const auto response = tke::parse_admin_response(tke::parse_response(text)->payload).value();
    return tke::parse_admin_response_block(response.block).value();
  }
};

}  // namespace keyhaven::unit
