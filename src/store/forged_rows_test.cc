// Somebody with all rights on the file edits it in every way we can think of: each edit is found
// and named, with the right fault, and nothing else is.
#include <list>
#include <map>

#include "crypto/hash.h"
#include "store/guarded_store_for_tests.h"

namespace keyhaven::store {
namespace {

using instances::RecordFault;

constexpr int kEdits = 2400;
constexpr int kEditsBeforeStart = 60;
constexpr int kKeysPerInstance = 12;

std::string hex(ByteView bytes) { return "x'" + to_hex(bytes) + "'"; }
std::string literal(const std::string& text) { return "'" + text + "'"; }  // of ids without quotes

class ForgedRowsTest : public GuardedStore {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(open());
    ASSERT_NO_FATAL_FAILURE(load_all());
    ASSERT_NO_FATAL_FAILURE(fill());
    editor_ = editor();
    copy_tables("old");
    ASSERT_NO_FATAL_FAILURE(change_everything());
    copy_tables("pristine");
    for (const SealedTable table : kSealedTables) rows_[table] = keys_of("main", table);
    ASSERT_EQ(check_now(), std::vector<Found>());
  }

  // --- What is stored ---

  void fill() {
    for (const InstanceId& instance : instances_) {
      instances::InstanceRecord record;
      record.id = instance;
      record.name = "production";
      record.plan = "standard";
      ASSERT_TRUE(database_->commit_instance(record, sample_event("c")));
      ASSERT_TRUE(database_->put_import_token(token(instance, 5), sample_event("c")));
      keys::KeyChange change;
      for (int i = 0; i < 4; ++i)
        change.put_rings.push_back({instance, "ring-" + std::to_string(i), {}, "me"});
      for (int i = 0; i < kKeysPerInstance; ++i) {
        const keys::KeyRecord key = sample_key(instance, {"alias-" + std::to_string(i)});
        change.put.push_back(key);
        for (int j = 0; j < 2; ++j) change.put_registrations.push_back(sample_registration(key, j));
        kept_.push_back(key);
      }
      ASSERT_TRUE(commit(change));
    }
    for (keys::KeyRecord& key : kept_) key.revision = 1;
    ASSERT_TRUE(database_->put_setting("region", "us-south"));
    ASSERT_TRUE(database_->put_setting("account", "0123456789abcdef0123456789abcdef"));
    ASSERT_TRUE(database_->put_setting("other", "value"));
    for (int i = 0; i < 5; ++i) identities_.push_back(identity());
    identities_.push_back({"iam-ServiceId-1", iam::IdentityKind::ServiceId, "odd", "", {}});
    ASSERT_TRUE(database_->commit_iam(iam_of(identities_), sample_event("c")));
  }
  static iam::Identity identity() {
    return {"iam-ServiceId-" + crypto::random_uuid().text(), iam::IdentityKind::ServiceId, "backup",
            "nightly", Timestamp::from_seconds(3)};
  }
  // Each with two API keys and two grants.
  iam::IamChange iam_of(const std::vector<iam::Identity>& identities) {
    iam::IamChange change;
    change.put_identities = identities;
    for (const iam::Identity& each : identities) {
      for (int i = 0; i < 2; ++i) {
        iam::ApiKey key{
            "ApiKey-" + crypto::random_uuid().text(), each.iam_id, "first", {}, {}, false};
        key.secret_hash = crypto::sha256(as_bytes(key.id));
        change.put_api_keys.push_back(key);
        change.put_grants.push_back({crypto::random_uuid().text(), each.iam_id, 0x0140,
                                     instances_[0], "ring-1", std::nullopt});
      }
    }
    api_keys_ = change.put_api_keys;
    grants_ = change.put_grants;
    return change;
  }
  static keys::ImportToken token(const InstanceId& instance, std::uint32_t retrievals) {
    keys::ImportToken out;
    out.instance = instance;
    out.id = crypto::random_uuid();
    out.max_retrievals = out.remaining_retrievals = retrievals;
    out.public_key = Bytes(100, 1);
    out.private_key.bytes = Bytes(200, 3);
    return out;
  }

  // Every row gets a later state, and one of each kind that can go goes.
  void change_everything() {
    for (const InstanceId& instance : instances_) {
      instances::InstanceRecord record;
      record.id = instance;
      record.name = "changed";
      record.revision = 1;
      ASSERT_TRUE(database_->commit_instance(record, sample_event("c")));
      ASSERT_TRUE(database_->put_import_token(token(instance, 4), sample_event("c")));
      keys::KeyChange rings;
      rings.remove_rings = {{instance, "ring-3"}};
      ASSERT_TRUE(commit(rings));
    }
    keys::KeyChange change;
    change.remove = {{kept_.front().instance, kept_.front().id}};  // its registrations go along
    for (std::size_t i = 1; i < kept_.size(); ++i) {
      kept_[i].name = "changed";
      change.put.push_back(kept_[i]);
      keys::Registration registration = sample_registration(kept_[i], 0);
      registration.description = "changed";
      change.put_registrations.push_back(registration);
      const keys::Registration gone = sample_registration(kept_[i], 1);
      if (i % 2 == 0)
        change.remove_registrations.push_back({gone.instance, gone.key, gone.resource_crn});
    }
    ASSERT_TRUE(commit(change));
    iam::IamChange iam;
    iam.put_identities = {identities_.begin(), identities_.end() - 1};
    for (iam::Identity& each : iam.put_identities) each.name = "changed";
    iam.remove_identities = {identities_.back().iam_id};
    for (std::size_t i = 0; i + 2 < api_keys_.size(); ++i) {
      iam.put_api_keys.push_back(api_keys_[i]);
      iam.put_api_keys.back().locked = true;
      iam.put_grants.push_back(grants_[i]);
      iam.put_grants.back().roles = 0x0141;
    }
    ASSERT_TRUE(database_->commit_iam(iam, sample_event("c")));
    ASSERT_TRUE(database_->put_setting("region", "eu-de"));
    ASSERT_TRUE(database_->put_setting("account", "fedcba9876543210fedcba9876543210"));
    ASSERT_TRUE(database_->put_setting("other", "changed"));
  }

  // --- The editor ---

  void run(const std::string& sql) { ASSERT_TRUE(editor_->run(sql)) << sql; }
  void copy_tables(const std::string& prefix) {
    for (const SealedTable table : kSealedTables) {
      const std::string name(shape_of(table).name);
      run("CREATE TEMP TABLE " + prefix + "_" + name + " AS SELECT * FROM main." + name);
    }
    run("CREATE TEMP TABLE " + prefix + "_aliases AS SELECT * FROM main.aliases");
  }
  void restore() {
    std::string sql = "BEGIN;";
    for (const SealedTable table : kSealedTables) {
      const std::string name(shape_of(table).name);
      sql += "DELETE FROM main." + name + ";INSERT INTO main." + name +
             " SELECT * FROM temp.pristine_" + name + ";";
    }
    sql +=
        "DELETE FROM main.aliases; INSERT INTO main.aliases SELECT * FROM temp.pristine_aliases;";
    run(sql + "COMMIT;");
  }
  // Columns of the primary key, as SQL names them.
  static std::vector<std::string> key_columns(SealedTable table) {
    switch (table) {
      case SealedTable::Keys:
      case SealedTable::KeyRings:
        return {"instance", "id"};
      case SealedTable::Registrations:
        return {"instance", "key", "resource_crn"};
      case SealedTable::ImportTokens:
        return {"instance"};
      case SealedTable::Identities:
        return {"iam_id"};
      case SealedTable::Settings:
        return {"name"};
      case SealedTable::Instances:
      case SealedTable::ApiKeys:
      case SealedTable::Grants:
        return {"id"};
    }
    return {};
  }
  static std::string where(const RowKey& key) {
    const TableShape& shape = shape_of(key.table);
    const std::vector<std::string> columns = key_columns(key.table);
    std::string out = " WHERE ";
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) out += " AND ";
      out += columns[i] + " = " +
             (i < shape.uuid_columns ? hex(as_bytes(key.columns[i])) : literal(key.columns[i]));
    }
    return out;
  }
  static std::string table_of(const RowKey& key) { return std::string(shape_of(key.table).name); }
  std::vector<RowKey> keys_of(const std::string& where_from, SealedTable table) {
    const TableShape& shape = shape_of(table);
    std::string sql(shape.select);
    if (where_from != "main") {
      const std::string name(shape.name);
      sql.replace(sql.find("FROM " + name) + 5, name.size(), "temp." + where_from + "_" + name);
    }
    statements_.push_back(sql);  // the cache of statements goes by address
    std::vector<RowKey> out;
    Query query = editor_->query(statements_.back().c_str());
    for (;;) {
      const auto more = query.step();
      EXPECT_TRUE(more);
      if (!more || !*more) break;
      read_key(shape, query, out.emplace_back());
    }
    return out;
  }
  Bytes value(const RowKey& key, const std::string& column) {
    const auto out =
        editor_->value("SELECT " + column + " FROM main." + table_of(key) + where(key));
    EXPECT_TRUE(out);
    return out ? to_bytes(as_bytes(*out)) : Bytes();
  }
  static std::string record_column(SealedTable table) {
    return table == SealedTable::Settings ? "value" : "record";
  }
  void set(const RowKey& key, const std::string& column, const std::string& to) {
    run("UPDATE main." + table_of(key) + " SET " + column + " = " + to + where(key));
  }
  // The record with the checksum that fits.
  void set_record(const RowKey& key, const Bytes& record) {
    if (key.table == SealedTable::Settings) {
      const std::string text(as_text(record));
      set(key, "value", literal(text));
      set(key, "checksum", hex(setting_checksum(key.columns[0], text)));
      return;
    }
    set(key, "record", hex(record));
    set(key, "checksum", hex(checksum_of(shape_of(key.table).name, record)));
  }
  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }
  SealedTable any_table() { return kSealedTables[below(kSealedTables.size())]; }
  const RowKey& any_row(SealedTable table) { return rows_[table][below(rows_[table].size())]; }
  // Two different rows of one table.
  std::pair<RowKey, RowKey> two_rows(SealedTable table) {
    const auto& rows = rows_[table];
    const std::size_t a = below(rows.size());
    return {rows[a], rows[(a + 1 + below(rows.size() - 1)) % rows.size()]};
  }

  // --- The edits: each returns what has to be found ---

  std::vector<Found> change_field() {
    const RowKey row = any_row(any_table());
    set_record(row, changed_record(row, value(row, record_column(row.table))));
    return {expect_row(row, RecordFault::Forged)};
  }
  // What a thief would like to change.
  Bytes changed_record(const RowKey& row, const Bytes& record) {
    switch (row.table) {
      case SealedTable::Keys: {
        auto key = keys::decode_key_record(record).value();
        switch (below(6)) {
          case 0:
            key.state = keys::KeyState::Suspended;
            break;
          case 1:
            key.expires = Timestamp::from_seconds(4'000'000'000);
            break;
          case 2:
            key.key_ring = "ring-2";
            break;
          case 3:
            key.aliases = {"mine"};
            break;
          case 4:
            key.deleted_by = "somebody";
            break;
          default:
            key.versions[0].blob.bytes[7] ^= 1;
        }
        return keys::encode(key);
      }
      case SealedTable::KeyRings: {
        auto ring = decode_ring(record).value();
        ring.created_by = "somebody";
        return encode(ring);
      }
      case SealedTable::Registrations: {
        auto registration = keys::decode_registration(record).value();
        registration.prevent_key_deletion = !registration.prevent_key_deletion;
        return keys::encode(registration);
      }
      case SealedTable::ImportTokens: {
        auto import = keys::decode_import_token(record).value();
        import.expires = Timestamp::from_seconds(4'000'000'000);
        return keys::encode(import);
      }
      case SealedTable::Instances: {
        auto instance = instances::decode_instance_record(record).value();
        instance.name = "theirs";
        return instances::encode(instance);
      }
      case SealedTable::Identities: {
        auto identity = decode_identity(record).value();
        identity.service_crn = "crn:v1:a:b:c::d:e";
        return encode(identity);
      }
      case SealedTable::ApiKeys: {
        auto key = decode_api_key(record).value();
        key.locked = false;
        return encode(key);
      }
      case SealedTable::Grants: {
        auto grant = decode_grant(record).value();
        grant.roles = 0x0fff;
        return encode(grant);
      }
      case SealedTable::Settings:
        return to_bytes(as_bytes("us-east"));
    }
    return {};
  }

  // Any byte: the result may decode or not.
  std::vector<Found> flip_byte() {
    const RowKey row = any_row(any_table());
    Bytes record = value(row, record_column(row.table));
    if (row.table == SealedTable::Settings) {
      record[below(record.size())] = '?';
      set_record(row, record);
      return {expect_row(row, RecordFault::Forged)};
    }
    record[below(record.size())] ^= static_cast<std::uint8_t>(1 + below(255));
    set_record(row, record);
    return {expect_row(row, is_intact(row, record) ? RecordFault::Forged : RecordFault::Damaged)};
  }
  // Whether a reader can believe its eyes.
  static bool is_intact(const RowKey& row, const Bytes& record) {
    const auto named = [&](const auto& decoded, auto key_of_record) {
      return decoded && key_of_record(*decoded) == row;
    };
    switch (row.table) {
      case SealedTable::Keys: {
        const auto key = keys::decode_key_record(record);
        return named(key, [](const auto& k) { return key_row(k.instance, k.id); }) &&
               key->revision == 2;
      }
      case SealedTable::KeyRings:
        return named(decode_ring(record), [](const auto& r) { return ring_row(r.instance, r.id); });
      case SealedTable::Registrations:
        return named(keys::decode_registration(record), [](const auto& r) {
          return registration_row(r.instance, r.key, r.resource_crn);
        });
      case SealedTable::ImportTokens:
        return named(keys::decode_import_token(record),
                     [](const auto& t) { return import_token_row(t.instance); });
      case SealedTable::Instances: {
        const auto instance = instances::decode_instance_record(record);
        return named(instance, [](const auto& i) { return instance_row(i.id); }) &&
               instance->revision == 2;
      }
      case SealedTable::Identities:
        return named(decode_identity(record), [](const auto& i) { return identity_row(i.iam_id); });
      case SealedTable::ApiKeys: {
        const auto key = decode_api_key(record);
        return named(key, [](const auto& k) { return api_key_row(k.id); }) &&
               key->secret_hash == crypto::sha256(as_bytes(key->id)) &&
               is_known_identity(key->iam_id);
      }
      case SealedTable::Grants: {
        const auto grant = decode_grant(record);
        return named(grant, [](const auto& g) { return grant_row(g.id); }) &&
               is_known_identity(grant->iam_id);
      }
      case SealedTable::Settings:
        return true;
    }
    return false;
  }
  // The column has the identity's id, so that the record has to have it too.
  static bool is_known_identity(const std::string& iam_id) {
    return std::ranges::any_of(known_, [&](const std::string& each) { return each == iam_id; });
  }
  static inline std::vector<std::string> known_;

  std::vector<Found> change_column() {
    const RowKey key = any_row(SealedTable::Keys);
    const RowKey instance = any_row(SealedTable::Instances);
    const RowKey api_key = any_row(SealedTable::ApiKeys);
    const RowKey grant = any_row(SealedTable::Grants);
    switch (below(5)) {
      case 0:
        set(key, "revision", "revision + 1");
        return {expect_row(key, RecordFault::Damaged)};
      case 1:
        set(instance, "revision", "1");
        return {expect_row(instance, RecordFault::Damaged)};
      case 2:
        set(api_key, "secret_hash", hex(crypto::sha256(as_bytes("a key that I have"))));
        return {expect_row(api_key, RecordFault::Damaged)};
      case 3:
        set(grant, "iam_id", "'iam-ServiceId-mine'");
        return {expect_row(grant, RecordFault::Damaged)};
      default: {
        const RowKey row = any_row(any_table());
        set(row, "checksum", "x'0011223344556677'");
        return {expect_row(row, RecordFault::Damaged)};
      }
    }
  }

  std::vector<Found> swap_records() {
    const auto [a, b] = two_rows(any_table());
    const Bytes of_a = value(a, record_column(a.table));
    set_record(a, value(b, record_column(b.table)));
    set_record(b, of_a);
    // A setting's value does not say whose it is.
    const auto fault =
        a.table == SealedTable::Settings ? RecordFault::Forged : RecordFault::Damaged;
    return sorted({expect_row(a, fault), expect_row(b, fault)});
  }

  std::vector<Found> swap_seals() {
    const auto [a, b] = two_rows(any_table());
    const Bytes of_a = value(a, "seal");
    set(a, "seal", hex(value(b, "seal")));
    set(b, "seal", hex(of_a));
    return sorted({expect_row(a, RecordFault::Forged), expect_row(b, RecordFault::Forged)});
  }

  // The whole row as it was once, with the seal that it had.
  std::vector<Found> put_back_old() {
    const RowKey row = any_changed_row();
    const std::string name = table_of(row);
    run("DELETE FROM main." + name + where(row) + ";INSERT INTO main." + name +
        " SELECT * FROM temp.old_" + name + where(row));
    return {expect_row(row, RecordFault::Old)};
  }
  RowKey any_changed_row() {
    for (;;) {
      const RowKey row = any_row(any_table());
      const std::string name = table_of(row);
      const auto same =
          editor_->value("SELECT count(*) FROM temp.old_" + name + " AS o JOIN main." + name +
                         " AS m ON o.seal = m.seal" + qualified(where(row)));
      if (same && *same == "0") return row;
    }
  }
  static std::string qualified(std::string where) {
    for (const char* column :
         {"instance =", "id =", "key =", "resource_crn =", "iam_id =", "name ="}) {
      for (std::size_t at = where.find(std::string(" ") + column); at != std::string::npos;
           at = where.find(std::string(" ") + column, at + 4))
        where.insert(at + 1, "m.");
    }
    return where;
  }

  std::vector<Found> remove_row() {
    const RowKey row = any_row(any_table());
    run("DELETE FROM main." + table_of(row) + where(row));
    return {expect_missing(row)};
  }

  std::vector<Found> bring_back() {
    std::vector<RowKey> gone;
    for (const SealedTable table : kSealedTables) {
      for (const RowKey& row : keys_of("old", table)) {
        if (!std::ranges::count(rows_[table], row)) gone.push_back(row);
      }
    }
    const RowKey row = gone[below(gone.size())];
    const std::string name = table_of(row);
    run("INSERT INTO main." + name + " SELECT * FROM temp.old_" + name + where(row));
    return {expect_row(row, RecordFault::Returned)};
  }

  // The content of one key under another id or in another instance, record and columns alike.
  std::vector<Found> move_key() {
    const RowKey from = any_row(SealedTable::Keys);
    auto key = keys::decode_key_record(value(from, "record")).value();
    const bool to_other_instance = below(2) == 0;
    if (to_other_instance) {
      key.instance = key.instance == instances_[0] ? instances_[1] : instances_[0];
    } else {
      key.id = {crypto::random_uuid()};
    }
    const RowKey to = key_row(key.instance, key.id);
    const Bytes record = keys::encode(key);
    const bool copy = below(2) == 0;
    if (copy) {
      const std::string columns = hex(key.instance.view()) + ", " + hex(key.id.view()) +
                                  ", revision, record, checksum, seal";
      run("INSERT INTO main.keys SELECT " + columns + " FROM main.keys" + where(from));
    } else {
      run("UPDATE main.keys SET instance = " + hex(key.instance.view()) +
          ", id = " + hex(key.id.view()) + where(from));
    }
    set_record(to, record);
    if (copy) return {expect_row(to, RecordFault::Forged)};
    return sorted({expect_row(to, RecordFault::Forged), expect_missing(from)});
  }

  // Only the columns move: the row contradicts itself.
  std::vector<Found> move_columns() {
    const RowKey from = any_row(SealedTable::Keys);
    const KeyId id{crypto::random_uuid()};
    run("UPDATE main.keys SET id = " + hex(id.view()) + where(from));
    const RowKey to{SealedTable::Keys, {from.columns[0], std::string(as_text(id.view())), {}}};
    return sorted({expect_row(to, RecordFault::Damaged), expect_missing(from)});
  }

  std::vector<Found> point_alias_elsewhere() {
    const RowKey owner = any_row(SealedTable::Keys);
    const auto record = keys::decode_key_record(value(owner, "record")).value();
    const std::string alias = record.aliases.at(0);
    const std::string at =
        " WHERE instance = " + hex(record.instance.view()) + " AND alias = " + literal(alias);
    const Found stray{"aliases", alias, RecordFault::StrayAlias, record.instance};
    switch (below(3)) {
      case 0:
        run("DELETE FROM main.aliases" + at);
        return {stray};
      case 1:
        run("INSERT INTO main.aliases VALUES (" + hex(record.instance.view()) + ", 'mine', " +
            hex(record.id.view()) + ")");
        return {{"aliases", "mine", RecordFault::StrayAlias, record.instance}};
      default:
        run("UPDATE main.aliases SET key = " + hex(other_key(record).view()) + at);
        return {stray, stray};  // one key lacks it, another has it
    }
  }
  KeyId other_key(const keys::KeyRecord& than) {
    for (;;) {
      const RowKey row = any_row(SealedTable::Keys);
      if (row.columns[1] == as_text(than.id.view())) continue;
      Uuid out;
      std::ranges::copy(row.columns[1], out.bytes.begin());
      return {out};
    }
  }

  std::vector<Found> spoil_seal() {
    const RowKey row = any_row(any_table());
    Bytes seal = value(row, "seal");
    switch (below(5)) {
      case 0:
        set(row, "seal", "NULL");
        break;
      case 1:
        set(row, "seal", "randomblob(28)");
        break;
      case 2:
        set(row, "seal", "substr(seal, 1, 27)");
        break;
      case 3: {
        RowKey other = row;
        while (other.table == row.table) other = any_row(any_table());
        set(row, "seal", hex(value(other, "seal")));
        break;
      }
      default:
        seal[below(seal.size())] ^= static_cast<std::uint8_t>(1U << below(8));
        set(row, "seal", hex(seal));
    }
    return {expect_row(row, RecordFault::Forged)};
  }

  // A row that nobody ever sealed.
  std::vector<Found> add_row() {
    if (below(2) == 0) {
      const keys::KeyRecord key = [&] {
        keys::KeyRecord made = sample_key(instances_[below(2)]);
        made.revision = 1;
        return made;
      }();
      const SealedRow row = make_sealed_row(key_row(key.instance, key.id), keys::encode(key));
      run("INSERT INTO main.keys VALUES (" + hex(key.instance.view()) + ", " + hex(key.id.view()) +
          ", 1, " + hex(row.record) + ", " + hex(row.checksum) + ", NULL)");
      return {expect_row(row.key, RecordFault::Forged)};
    }
    const iam::Grant grant{
        crypto::random_uuid().text(), known_[0], 0x0fff, std::nullopt, "", std::nullopt};
    const SealedRow row = make_sealed_row(grant_row(grant.id), encode(grant));
    run("INSERT INTO main.grants VALUES (" + literal(grant.id) + ", " + literal(grant.iam_id) +
        ", " + hex(row.record) + ", " + hex(row.checksum) + ", NULL)");
    return {expect_row(row.key, RecordFault::Forged)};
  }

  // An id of the wrong size has no name: the row is damaged, its record missing.
  std::vector<Found> cut_id() {
    const RowKey from = any_row(SealedTable::Keys);
    run("UPDATE main.keys SET id = x'0102'" + where(from));
    const RowKey to{SealedTable::Keys, {from.columns[0], std::string("\x01\x02"), {}}};
    return sorted({expect_row(to, RecordFault::Damaged), expect_missing(from)});
  }

  static std::vector<Found> sorted(std::vector<Found> found) {
    std::sort(found.begin(), found.end());
    return found;
  }

  struct Edit {
    const char* name;
    std::vector<Found> (ForgedRowsTest::*make)();
  };
  static constexpr std::array kKinds{
      Edit{"a field of a record", &ForgedRowsTest::change_field},
      Edit{"any byte of a record", &ForgedRowsTest::flip_byte},
      Edit{"another column", &ForgedRowsTest::change_column},
      Edit{"records swapped", &ForgedRowsTest::swap_records},
      Edit{"seals swapped", &ForgedRowsTest::swap_seals},
      Edit{"an older row put back", &ForgedRowsTest::put_back_old},
      Edit{"a row removed", &ForgedRowsTest::remove_row},
      Edit{"a removed row brought back", &ForgedRowsTest::bring_back},
      Edit{"a key moved or copied", &ForgedRowsTest::move_key},
      Edit{"columns moved", &ForgedRowsTest::move_columns},
      Edit{"an alias elsewhere", &ForgedRowsTest::point_alias_elsewhere},
      Edit{"no seal or a foreign one", &ForgedRowsTest::spoil_seal},
      Edit{"a row added", &ForgedRowsTest::add_row},
      Edit{"an id cut", &ForgedRowsTest::cut_id},
  };

  std::array<InstanceId, 2> instances_{new_instance(), new_instance()};
  std::vector<keys::KeyRecord> kept_;
  std::vector<iam::Identity> identities_;
  std::vector<iam::ApiKey> api_keys_;
  std::vector<iam::Grant> grants_;
  std::unique_ptr<Connection> editor_;
  std::list<std::string> statements_;
  std::map<SealedTable, std::vector<RowKey>> rows_;
  std::mt19937 random_{20261126};
};

TEST_F(ForgedRowsTest, EveryEditIsFoundAndNamedAndNothingElse) {
  for (const RowKey& row : rows_[SealedTable::Identities]) known_.push_back(row.columns[0]);
  std::map<std::string, int> counts;
  for (int i = 0; i < kEdits; ++i) {
    const Edit& edit = kKinds[static_cast<std::size_t>(i) % kKinds.size()];
    const std::vector<Found> expected = (this->*edit.make)();
    ASSERT_FALSE(HasFailure());
    ASSERT_EQ(check_now(), expected) << "edit " << i << ": " << edit.name;
    restore();
    ASSERT_EQ(check_now(), std::vector<Found>()) << "false alarm after edit " << i;
    ++counts[edit.name];
  }
  for (const auto& [name, count] : counts) std::printf("%5d  %s\n", count, name.c_str());
}

// The same when the store is opened: what is suspect reaches nobody.
TEST_F(ForgedRowsTest, WhatIsFoundAtStartIsNotInUse) {
  for (const RowKey& row : rows_[SealedTable::Identities]) known_.push_back(row.columns[0]);
  std::size_t rows = 0;
  for (const auto& [table, keys] : rows_) rows += keys.size();
  for (int i = 0; i < kEditsBeforeStart; ++i) {
    database_.reset();
    const Edit& edit = kKinds[static_cast<std::size_t>(i) % kKinds.size()];
    const std::vector<Found> expected = (this->*edit.make)();
    ASSERT_NO_FATAL_FAILURE(open());
    ASSERT_NO_FATAL_FAILURE(load_all());
    ASSERT_EQ(found_in(database_->found_at_start()), expected) << edit.name;
    for (const Found& found : expected) {
      for (const RowKey& row : loaded_)
        ASSERT_NE(expect_row(row, found.fault), found) << edit.name << " is in use";
    }
    // Two identities may go, each with two API keys and two grants.
    ASSERT_GE(loaded_.size() + 10, rows - rows_[SealedTable::Settings].size()) << "too little is";
    restore();  // the index of aliases was put right already
    ASSERT_EQ(check_now(), std::vector<Found>()) << edit.name;
  }
}

}  // namespace
}  // namespace keyhaven::store
