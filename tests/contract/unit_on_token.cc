// The tests of src/unit once more, with the master keys of operational units in a SoftHSM token
// behind the shim: program unit_on_token_test.
#include "token/softhsm_for_tests.h"
#include "unit/ceremony_for_tests.h"
#include "unitd/token_master_key.h"

namespace keyhaven::unitd {
namespace {

class TokenEnvironment final : public testing::Environment {
 public:
  void SetUp() override {
    const std::string label = token::SoftHsmDirectory::get().make_token("suite");
    token::TokenOptions options;
    options.needs = needs_of_master_keys();
    options.call_deadline = std::chrono::seconds(60);
    auto opened =
        token::Token::open({KH_TOKEN_SHIM, label, {}}, SecretBytes::copy_of(token::kPin), options);
    ASSERT_TRUE(opened) << opened.error().message;
    token_.emplace(std::move(opened).value());
    keys_.emplace(*token_, [](const std::string&) {});
    unit::backend_for_tests() = &*keys_;
  }
  void TearDown() override { token_.reset(); }

 private:
  std::optional<token::Token> token_;
  std::optional<TokenMasterKeys> keys_;
};

}  // namespace
}  // namespace keyhaven::unitd

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::AddGlobalTestEnvironment(new keyhaven::unitd::TokenEnvironment);
  return RUN_ALL_TESTS();
}
