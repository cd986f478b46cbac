// The KeyStore contract on the embedded store.
#include "audit/log_test_directory.h"
#include "contract/key_store_contract.h"
#include "store/database.h"
#include "unit/record_table_for_tests.h"

namespace keyhaven::contract {
namespace {

class SqliteBackend final : public Backend {
 public:
  SqliteBackend() { reopen(); }
  keys::KeyStore& store() override { return *database_; }
  void reopen() override {
    database_.reset();
    auto opened =
        store::Database::open({.directory = directory_.file("store")}, log(), *guard_, clock_);
    if (!opened) fatal(__FILE__, __LINE__, opened.error().message.c_str());
    database_ = std::move(opened).value();
  }

 private:
  audit::TestDirectory directory_;
  SystemClock clock_;
  unit::RecordTableForTests guard_;
  std::unique_ptr<store::Database> database_;
};

std::unique_ptr<Backend> make_sqlite() { return std::make_unique<SqliteBackend>(); }

INSTANTIATE_TEST_SUITE_P(Sqlite, KeyStoreContract, testing::Values(&make_sqlite));

}  // namespace
}  // namespace keyhaven::contract
