package keyhaven.conformance;

import static keyhaven.conformance.Report.equal;
import static keyhaven.conformance.Report.refusal;
import static keyhaven.conformance.Report.set;
import static keyhaven.conformance.Report.success;
import static keyhaven.conformance.Report.that;

import com.ibm.cloud.ibm_key_protect_api.v2.model.AllowedIPPortResource;
import com.ibm.cloud.ibm_key_protect_api.v2.model.CollectionMetadata;
import com.ibm.cloud.ibm_key_protect_api.v2.model.GetAllowedIPPortOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.GetInstancePoliciesOneOfResourcesItem;
import com.ibm.cloud.ibm_key_protect_api.v2.model.GetInstancePolicyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.GetKeyPoliciesOneOfResourcesItem;
import com.ibm.cloud.ibm_key_protect_api.v2.model.GetPolicyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.KeyPolicyDualAuthDelete;
import com.ibm.cloud.ibm_key_protect_api.v2.model.KeyPolicyDualAuthDeleteDualAuthDelete;
import com.ibm.cloud.ibm_key_protect_api.v2.model.KeyPolicyRotation;
import com.ibm.cloud.ibm_key_protect_api.v2.model.KeyPolicyRotationRotation;
import com.ibm.cloud.ibm_key_protect_api.v2.model.PutInstancePolicyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.PutPolicyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.SetInstancePoliciesOneOfSetMultipleInstancePolicies;
import com.ibm.cloud.ibm_key_protect_api.v2.model.SetKeyPoliciesOneOf;
import com.ibm.cloud.ibm_key_protect_api.v2.model.SetKeyPoliciesOneOfSetKeyPolicyDualAuthDelete;
import com.ibm.cloud.ibm_key_protect_api.v2.model.SetKeyPoliciesOneOfSetKeyPolicyRotation;
import com.ibm.cloud.ibm_key_protect_api.v2.model.SetMultipleInstancePoliciesResourcesItem;
import com.ibm.cloud.ibm_key_protect_api.v2.model.SetMultipleInstancePoliciesResourcesItemPolicyData;
import com.ibm.cloud.ibm_key_protect_api.v2.model.SetMultipleInstancePoliciesResourcesItemPolicyDataAttributes;
import java.util.List;

/**
 * Policies of keys and of an instance. The SDK's type for policies it reads has no rotation: the
 * key shows it.
 */
final class PolicyCases {
  private static final String TYPE =
      CollectionMetadata.CollectionType.APPLICATION_VND_IBM_KMS_POLICY_JSON;
  private final Client manager;
  private final Client writer = Client.of("KH_APIKEY_WRITER");
  private final Client rules = Client.ofRules("KH_APIKEY");
  private final Client rulesReader = Client.ofRules("KH_APIKEY_READER");

  PolicyCases(Client manager) {
    this.manager = manager;
  }

  void run() {
    ofKeys();
    ofInstance();
    ports();
  }

  private static CollectionMetadata total(int total) {
    return new CollectionMetadata.Builder(TYPE, (long) total).build();
  }

  private List<GetKeyPoliciesOneOfResourcesItem> put(
      Client client, String id, String policy, SetKeyPoliciesOneOf<?> body) {
    return client.api
        .putPolicy(new PutPolicyOptions.Builder(id, client.instance, body).policy(policy).build())
        .execute()
        .getResult()
        .getResources();
  }

  private static SetKeyPoliciesOneOf<?> rotation(boolean enabled, long months) {
    KeyPolicyRotationRotation rotation =
        new KeyPolicyRotationRotation.Builder(enabled).intervalMonth(months).build();
    return new SetKeyPoliciesOneOfSetKeyPolicyRotation
        .Builder(total(1), List.of(new KeyPolicyRotation.Builder(TYPE, rotation).build()))
        .build();
  }

  static SetKeyPoliciesOneOf<?> dual(boolean enabled) {
    KeyPolicyDualAuthDeleteDualAuthDelete dual =
        new KeyPolicyDualAuthDeleteDualAuthDelete.Builder(enabled).build();
    return new SetKeyPoliciesOneOfSetKeyPolicyDualAuthDelete
        .Builder(total(1), List.of(new KeyPolicyDualAuthDelete.Builder(TYPE, dual).build()))
        .build();
  }

  private List<GetKeyPoliciesOneOfResourcesItem> get(Client client, String id, String policy) {
    GetPolicyOptions.Builder options = new GetPolicyOptions.Builder(id, client.instance);
    if (policy != null)
      options.policy(policy);
    return client.api.getPolicy(options.build()).execute().getResult().getResources();
  }

  private void ofKeys() {
    success("putPolicy", "rotation every two months", () -> {
      String id = manager.root();
      GetKeyPoliciesOneOfResourcesItem got = put(manager, id, "rotation", rotation(true, 2)).get(0);
      equal("type", got.getType(), TYPE);
      set("crn", got.getCrn());
      set("creationDate", got.getCreationDate());
      set("lastUpdateDate", got.getLastUpdateDate());
      equal("interval", set("rotation", manager.metadata(id).getRotation()).getIntervalMonth(), 2L);
    });
    success("putPolicy", "dual authorization on",
        ()
            -> equal("enabled",
                put(manager, manager.root(), "dualAuthDelete", dual(true))
                    .get(0)
                    .getDualAuthDelete()
                    .enabled(),
                true));
    refusal("putPolicy", "rotation every 13 months", 400, "INVALID_FIELD_ERR",
        () -> put(manager, manager.root(), "rotation", rotation(true, 13)));
    refusal("putPolicy", "another policy than the query names", 400,
        "BODY_QUERY_PARAM_MISMATCH_ERR",
        () -> put(manager, manager.root(), "rotation", dual(false)));
    success("getPolicy", "none, then one by name", () -> {
      String id = manager.root();
      equal("policies", get(manager, id, null), List.of());
      put(manager, id, "dualAuthDelete", dual(false));
      equal("enabled", get(manager, id, "dualAuthDelete").get(0).getDualAuthDelete().enabled(),
          false);
      equal("rotation policies", get(manager, id, "rotation"), List.of());
    });
    refusal("getPolicy", "Writer may not", 401, "", () -> get(writer, manager.root(), null));
  }

  private static SetMultipleInstancePoliciesResourcesItem item(String type, boolean enabled,
      SetMultipleInstancePoliciesResourcesItemPolicyDataAttributes attributes) {
    SetMultipleInstancePoliciesResourcesItemPolicyData.Builder data =
        new SetMultipleInstancePoliciesResourcesItemPolicyData.Builder(enabled);
    if (attributes != null)
      data.attributes(attributes);
    return new SetMultipleInstancePoliciesResourcesItem.Builder(type, data.build()).build();
  }

  private void putAll(String policy, SetMultipleInstancePoliciesResourcesItem... items) {
    PutInstancePolicyOptions.Builder options = new PutInstancePolicyOptions.Builder(rules.instance,
        new SetInstancePoliciesOneOfSetMultipleInstancePolicies
            .Builder(total(items.length), List.of(items))
            .build());
    if (policy != null)
      options.policy(policy);
    rules.api.putInstancePolicy(options.build()).execute();
  }

  private List<GetInstancePoliciesOneOfResourcesItem> getAll(Client client, String policy) {
    GetInstancePolicyOptions.Builder options =
        new GetInstancePolicyOptions.Builder(client.instance);
    if (policy != null)
      options.policy(policy);
    return client.api.getInstancePolicy(options.build()).execute().getResult().getResources();
  }

  private static SetMultipleInstancePoliciesResourcesItemPolicyDataAttributes.Builder attributes() {
    return new SetMultipleInstancePoliciesResourcesItemPolicyDataAttributes.Builder();
  }

  private void ofInstance() {
    success("getInstancePolicy", "none while it was never set",
        () -> equal("policies", getAll(rules, "dualAuthDelete"), List.of()));
    success("putInstancePolicy", "several at once, then off", () -> {
      putAll(null, item("metrics", true, null),
          item("allowedNetwork", true, attributes().allowedNetwork("public-and-private").build()),
          item("rotation", true, attributes().intervalMonth(4).build()));
      equal("interval of a new key",
          set("rotation", rules.metadata(rules.root()).getRotation()).getIntervalMonth(), 4L);
      equal("network",
          getAll(rules, "allowedNetwork")
              .get(0)
              .getPolicyData()
              .getAttributes()
              .getAllowedNetwork(),
          "public-and-private");
      putAll(null, item("metrics", false, null),
          item("allowedNetwork", false, attributes().allowedNetwork("public-and-private").build()),
          item("rotation", false, null));
      for (GetInstancePoliciesOneOfResourcesItem policy : getAll(rules, null))
        equal(policy.getPolicyType(), policy.getPolicyData().isEnabled(), false);
    });
    success("putInstancePolicy", "key creation is refused while it says so", () -> {
      putAll("keyCreateImportAccess",
          item("keyCreateImportAccess", true, attributes().createRootKey(false).build()));
      try {
        Report.refused(409, "KEY_CREATE_IMPORT_ACCESS_ERR", rules::root);
      } finally {
        putAll("keyCreateImportAccess", item("keyCreateImportAccess", false, null));
      }
      rules.root();
    });
    refusal("putInstancePolicy", "rotation every 13 months", 400, "INVALID_FIELD_ERR",
        () -> putAll("rotation", item("rotation", true, attributes().intervalMonth(13).build())));
    refusal("putInstancePolicy", "another policy than the query names", 400,
        "BODY_QUERY_PARAM_MISMATCH_ERR", () -> putAll("rotation", item("metrics", true, null)));
    refusal("getInstancePolicy", "Reader may not", 401, "", () -> getAll(rulesReader, null));
  }

  private List<AllowedIPPortResource> port(Client client) {
    return client.api.getAllowedIPPort(new GetAllowedIPPortOptions.Builder(client.instance).build())
        .execute()
        .getResult()
        .getResources();
  }

  private void ports() {
    success("getAllowedIPPort", "a port while the policy is on", () -> {
      equal("ports while it is off", port(rules), List.of());
      putAll("allowedIP",
          item("allowedIP", true,
              attributes().allowedIp(List.of("127.0.0.0/8", "::1/128")).build()));
      try {
        long port = port(rules).get(0).getPrivateEndpointPort();
        that(port > 0 && port < 65536, "port " + port);
      } finally {
        putAll("allowedIP", item("allowedIP", false, null));
      }
    });
    refusal("getAllowedIPPort", "Reader may not", 401, "", () -> port(rulesReader));
  }
}
