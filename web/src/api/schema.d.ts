// Generated from ../api by `npm run types`. Do not edit.
export interface paths {
    "/api/v2/keys/{id}/aliases/{alias}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
                /** @description The alias. */
                alias: components["parameters"]["Alias"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give a key an alias */
        post: operations["createAlias"];
        /** Take an alias from a key */
        delete: operations["deleteAlias"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/key_rings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List key rings */
        get: operations["listKeyRings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/key_rings/{ring}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the key ring. */
                ring: components["parameters"]["Ring"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Create a key ring */
        post: operations["createKeyRing"];
        /** Delete a key ring */
        delete: operations["deleteKeyRing"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/records": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Search the audit log, newest records first */
        get: operations["searchAuditRecords"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See the streams of the audit log, its newest checkpoint, and what the last check found */
        get: operations["getAuditStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let the server check its whole audit log */
        post: operations["startAuditCheck"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Go to the console */
        get: operations["leadToConsole"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /** Go to the console, without a body */
        head: operations["leadToConsoleHead"];
        patch?: never;
        trace?: never;
    };
    "/console": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Open the console */
        get: operations["getConsole"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /** Ask for the console without its body */
        head: operations["headConsole"];
        patch?: never;
        trace?: never;
    };
    "/console/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The rest of the path, one segment or more. */
                path: components["parameters"]["ConsolePath"];
            };
            cookie?: never;
        };
        /** Get a file of the console */
        get: operations["getConsoleFile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /** Ask for a file of the console without its body */
        head: operations["headConsoleFile"];
        patch?: never;
        trace?: never;
    };
    "/console/environment.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Learn where the console runs */
        get: operations["getConsoleEnvironment"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/oidc/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Log in at the OpenID provider */
        get: operations["startConsoleOidc"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/oidc/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Take the provider's answer */
        get: operations["finishConsoleOidc"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See who is logged in */
        get: operations["getConsoleSession"];
        put?: never;
        /** Log in to the console */
        post: operations["createConsoleSession"];
        /** Log out of the console */
        delete: operations["deleteConsoleSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/identity/token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Get an access token */
        post: operations["createToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/oidc/token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Get an access token */
        post: operations["createTokenOidc"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/identity/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the keys that verify tokens */
        get: operations["getTokenKeys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/.well-known/jwks.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the keys that verify tokens */
        get: operations["getTokenKeysWellKnown"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/serviceids": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List identities */
        get: operations["listIdentities"];
        put?: never;
        /** Make an identity */
        post: operations["createIdentity"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/serviceids/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id. */
                id: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete an identity */
        delete: operations["deleteIdentity"];
        options?: never;
        head?: never;
        /** Link a user to the OpenID provider, or unlink */
        patch: operations["updateIdentity"];
        trace?: never;
    };
    "/v1/apikeys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List API keys */
        get: operations["listApiKeys"];
        put?: never;
        /** Make an API key */
        post: operations["createApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apikeys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id. */
                id: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete an API key */
        delete: operations["deleteApiKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/policies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List access policies */
        get: operations["listAccessPolicies"];
        put?: never;
        /** Make an access policy */
        post: operations["createAccessPolicy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/policies/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id. */
                id: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete an access policy */
        delete: operations["deleteAccessPolicy"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/import_token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Retrieve the import token */
        get: operations["getImportToken"];
        put?: never;
        /** Make an import token */
        post: operations["createImportToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/resource_instances": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List service instances */
        get: operations["listInstances"];
        put?: never;
        /** Create a service instance */
        post: operations["createInstance"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/resource_instances/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or percent-encoded CRN of the instance. */
                id: string;
            };
            cookie?: never;
        };
        /** Get a service instance */
        get: operations["getInstance"];
        put?: never;
        post?: never;
        /** Delete a service instance */
        delete: operations["deleteInstance"];
        options?: never;
        head?: never;
        /** Change a service instance */
        patch: operations["updateInstance"];
        trace?: never;
    };
    "/crypto_v2/instances/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or percent-encoded CRN of the instance. */
                id: string;
            };
            cookie?: never;
        };
        /** Look up the addresses of an instance */
        get: operations["getEndpoints"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/crypto_v1/instances/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or percent-encoded CRN of the instance. */
                id: string;
            };
            cookie?: never;
        };
        /**
         * Look up the address of an instance, form of 2019
         * @deprecated
         */
        get: operations["getFirstEndpoints"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tke/{instance}/hsms": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
            };
            cookie?: never;
        };
        /** List the crypto units of an instance */
        get: operations["listCryptoUnits"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tke/{instance}/hsms/{hsm}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
                /** @description Id of the crypto unit. */
                hsm: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send an administration frame to a crypto unit */
        post: operations["administerCryptoUnit"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tke/attestation_root": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the key that certifies the crypto units */
        get: operations["getAttestationRoot"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/{id}/actions/wrap": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Wrap a DEK */
        post: operations["wrapKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/{id}/actions/unwrap": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Unwrap a DEK */
        post: operations["unwrapKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/{id}/actions/rewrap": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Wrap a DEK anew */
        post: operations["rewrapKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/{id}/actions/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Rotate a root key */
        post: operations["rotateKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/{id}/actions/disable": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Suspend a root key */
        post: operations["disableKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/{id}/actions/enable": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a suspended root key active */
        post: operations["enableKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/{id}/actions/setKeyForDeletion": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Authorise a deletion */
        post: operations["setKeyForDeletion"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/{id}/actions/unsetKeyForDeletion": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Withdraw the authorization of a deletion */
        post: operations["unsetKeyForDeletion"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/{id}/actions/sync": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Notify the services of a key again */
        post: operations["syncKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List keys */
        get: operations["listKeys"];
        put?: never;
        /** Create or import a key */
        post: operations["createKey"];
        delete?: never;
        options?: never;
        /** Count keys */
        head: operations["countKeys"];
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys_with_policy_overrides": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Create a key with policies of its own */
        post: operations["createKeyWithPolicyOverrides"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        /** Get a key */
        get: operations["getKey"];
        put?: never;
        /**
         * Key action, legacy form
         * @deprecated
         */
        post: operations["legacyKeyAction"];
        /** Delete a key */
        delete: operations["deleteKey"];
        options?: never;
        head?: never;
        /** Move a key to another ring */
        patch: operations["patchKey"];
        trace?: never;
    };
    "/api/v2/keys/{id}/metadata": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        /** Get a key without its payload */
        get: operations["getKeyMetadata"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/{id}/purge": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Purge a deleted key */
        delete: operations["purgeKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/{id}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Restore a deleted key */
        post: operations["restoreKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/{id}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        /** List the versions of a root key */
        get: operations["listKeyVersions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tke/{instance}/rotation": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
            };
            cookie?: never;
        };
        /** See the master key rotation of an instance */
        get: operations["getMasterKeyRotation"];
        put?: never;
        /** Start a master key rotation, or go on with it */
        post: operations["startMasterKeyRotation"];
        /** Abandon a master key rotation */
        delete: operations["abandonMasterKeyRotation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/migration_reports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Record the report of a migration into this instance */
        post: operations["recordMigrationReport"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Does the process answer? */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Can it serve? */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/public_key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the key that verifies the audit log */
        get: operations["getAuditPublicKey"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/checkpoint": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sign the audit log as it is now */
        post: operations["createAuditCheckpoint"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/governance/v1/configs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the configuration of instances or keys */
        get: operations["getGovernanceConfigs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the metrics of the server */
        get: operations["getMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read this document as a page */
        get: operations["getDocumentPage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get this document */
        get: operations["getDocument"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/permissions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See what you may do */
        get: operations["getPermissions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/{id}/policies": {
        parameters: {
            query?: {
                /** @description Only this policy. */
                policy?: "rotation" | "dualAuthDelete";
            };
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        /** Get the policies of a key */
        get: operations["getKeyPolicies"];
        /** Set policies of a key */
        put: operations["setKeyPolicies"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/instance/policies": {
        parameters: {
            query?: {
                /** @description Only this policy; `ipWhitelist` is the old name of `allowedIP`. */
                policy?: "dualAuthDelete" | "allowedNetwork" | "allowedIP" | "metrics" | "keyCreateImportAccess" | "rotation" | "ipWhitelist";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the policies of an instance */
        get: operations["getInstancePolicies"];
        /** Set policies of an instance */
        put: operations["setInstancePolicies"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/instance/allowed_ip_port": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the port for allowed addresses */
        get: operations["getAllowedIpPort"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tke/{instance}/proposals": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
            };
            cookie?: never;
        };
        /** List the proposals of an instance */
        get: operations["listProposals"];
        put?: never;
        /** Propose a command for a crypto unit */
        post: operations["createProposal"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tke/{instance}/proposals/{proposal}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
                /** @description Id of the proposal. */
                proposal: string;
            };
            cookie?: never;
        };
        /** See a proposal */
        get: operations["getProposal"];
        put?: never;
        post?: never;
        /** Delete a proposal */
        delete: operations["deleteProposal"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tke/{instance}/proposals/{proposal}/signatures": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
                /** @description Id of the proposal. */
                proposal: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Add a signature to a proposal */
        post: operations["signProposal"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tke/{instance}/proposals/{proposal}/send": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
                /** @description Id of the proposal. */
                proposal: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send a proposal to its crypto unit, once */
        post: operations["sendProposal"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tke/{instance}/transcript": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
            };
            cookie?: never;
        };
        /** Read what the crypto units of an instance were told */
        get: operations["getTranscript"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/lifecycle_events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List lifecycle events */
        get: operations["listLifecycleEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/event_ack": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Acknowledge a lifecycle event */
        post: operations["acknowledgeEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/{id}/migrationIntent": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        /** Get the migration intent of a key */
        get: operations["getMigrationIntent"];
        put?: never;
        /** Name the key that takes over */
        post: operations["createMigrationIntent"];
        /** Delete the migration intent of a key */
        delete: operations["deleteMigrationIntent"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/registrations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the registrations of all keys */
        get: operations["listRegistrations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/{id}/registrations": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        /** List the registrations of a key */
        get: operations["listKeyRegistrations"];
        put?: never;
        /**
         * Deactivate registrations
         * @deprecated
         */
        post: operations["deactivateRegistrations"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v2/keys/{id}/registrations/{crn}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
                /** @description CRN of the registered resource, percent-encoded once or, as the Java SDK sends it, twice. It reaches at least to the segment of the service instance. */
                crn: components["parameters"]["ResourceCrn"];
            };
            cookie?: never;
        };
        get?: never;
        /** Replace a registration */
        put: operations["replaceRegistration"];
        /** Create a registration */
        post: operations["createRegistration"];
        /** Delete a registration */
        delete: operations["deleteRegistration"];
        options?: never;
        head?: never;
        /** Change a registration */
        patch: operations["updateRegistration"];
        trace?: never;
    };
    "/v1/store/verification": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See which stored records were refused when the server started */
        get: operations["getStoreVerification"];
        put?: never;
        /** Hold every stored record against the crypto unit's seals now */
        post: operations["verifyStore"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/transfers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See which transfers are open */
        get: operations["listTransfers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/transfers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the transfer, as the offer names it. */
                id: components["parameters"]["TransferId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** End a transfer */
        delete: operations["closeTransfer"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/transfers/{id}/chunks": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the transfer, as the offer names it. */
                id: components["parameters"]["TransferId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Seal the next keys as one chunk */
        post: operations["exportTransferChunk"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/transfers/{id}/manifest": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the transfer, as the offer names it. */
                id: components["parameters"]["TransferId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sign the list of all chunks */
        post: operations["signTransferManifest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/transfers/{id}/import": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the transfer, as the offer names it. */
                id: components["parameters"]["TransferId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take the keys of one chunk */
        post: operations["importTransferChunk"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/unit/sealing": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See how the crypto units' state is sealed on the disk */
        get: operations["getUnitSealing"];
        /** Seal the crypto units' state by another method or secret */
        put: operations["changeUnitSealing"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * Format: uuid
         * @example 2291e4ae-a14c-4af9-88f0-27c0cb2739e2
         */
        Uuid: string;
        /**
         * Format: uuid
         * @description A UUID, in the caller's spelling.
         * @example 2291e4ae-a14c-4af9-88f0-27c0cb2739e2
         */
        CorrelationId: string;
        /**
         * Format: date-time
         * @example 2026-01-02T03:04:05Z
         */
        Timestamp: string;
        /** Format: byte */
        Base64: string;
        /**
         * @description IAM id of who did it.
         * @example iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11
         */
        IamId: string;
        /** @example crn:v1:bluemix:public:hs-crypto:local:a/00112233445566778899aabbccddeeff:9d29f0ad-2b8e-4b71-8e38-2a8f2a1c7d10:: */
        Crn: string;
        /**
         * @description 2 to 90 letters, digits, `-` or `_`; not shaped like a UUID, not one of the words allowed_ip, key, keys, metadata, policies, policy, registration, registrations, rewrap, ring, rings, rotate, unwrap, version, versions, wrap.
         * @example payroll
         */
        Alias: string;
        /**
         * @description 2 to 100 letters, digits, `-` or `_`. `default` is reserved.
         * @example finance
         */
        RingId: string;
        /**
         * @example {
         *       "metadata": {
         *         "collectionType": "application/vnd.ibm.kms.error+json",
         *         "collectionTotal": 1
         *       },
         *       "resources": [
         *         {
         *           "errorMsg": "Not Found: Key could not be retrieved: the instance has no key of this id or alias: Please see `reasons` for more details (KEY_NOT_FOUND_ERR)",
         *           "reasons": [
         *             {
         *               "code": "KEY_NOT_FOUND_ERR",
         *               "message": "the instance has no key of this id or alias",
         *               "status": 404,
         *               "moreInfo": "https://cloud.ibm.com/apidocs/hs-crypto"
         *             }
         *           ]
         *         }
         *       ]
         *     }
         */
        Error: {
            metadata: {
                /** @enum {string} */
                collectionType: "application/vnd.ibm.kms.error+json";
                /** @enum {integer} */
                collectionTotal: 1;
            };
            resources: {
                /** @description `<Reason phrase>: <what failed>: <why> (<CODE>)`. */
                errorMsg: string;
                reasons: {
                    /** @example KEY_NOT_FOUND_ERR */
                    code: string;
                    message: string;
                    status: number;
                    /** Format: uri */
                    moreInfo: string;
                    /** @description What is to blame, where one thing is. */
                    target?: {
                        /** @enum {string} */
                        type: "field" | "query_param" | "header";
                        name: string;
                    };
                }[];
            }[];
        };
        /**
         * @description Refusals of the token, the right, a header or the HTTP request itself.
         * @example {
         *       "metadata": {
         *         "collectionType": "application/vnd.ibm.kms.error+json",
         *         "collectionTotal": 1
         *       },
         *       "resources": [
         *         {
         *           "errorMsg": "Unauthorized: the caller has no right to the resource, or it does not exist in this region (UNAUTHORIZED_ERR)"
         *         }
         *       ]
         *     }
         */
        PlainError: {
            metadata: {
                /** @enum {string} */
                collectionType: "application/vnd.ibm.kms.error+json";
                /** @enum {integer} */
                collectionTotal: 1;
            };
            resources: {
                /** @description `<Reason phrase>: <what failed>: <why> (<CODE>)`. */
                errorMsg: string;
            }[];
        };
        OneAlias: {
            metadata: {
                /** @enum {string} */
                collectionType: "application/vnd.ibm.kms.alias+json";
                /** @enum {integer} */
                collectionTotal: 1;
            };
            resources: {
                keyId: components["schemas"]["Uuid"];
                alias: components["schemas"]["Alias"];
                createdBy: components["schemas"]["IamId"];
                creationDate: components["schemas"]["Timestamp"];
            }[];
        };
        /** @description `default` has neither date nor creator. */
        KeyRing: {
            id: components["schemas"]["RingId"];
            creationDate?: components["schemas"]["Timestamp"];
            createdBy?: components["schemas"]["IamId"];
        };
        KeyRingList: {
            metadata: {
                /** @enum {string} */
                collectionType: "application/vnd.ibm.kms.key_ring+json";
                collectionTotal: number;
                /** @description Matches before `limit` and `offset`; present when asked for with `totalCount=true`. */
                totalCount?: number;
            };
            resources: components["schemas"]["KeyRing"][];
        };
        AuditRecords: {
            records: components["schemas"]["AuditRecord"][];
            /** @description The whole log was looked through, or all of it that can be in the range. */
            complete: boolean;
            /** @description For the next call; absent when complete. */
            cursor?: string;
            /**
             * Format: date-time
             * @description Time of the last record that was looked at; absent when none was.
             */
            looked_back_to?: string;
            records_read: number;
            bytes_read: number;
            /** @description Damage that was met. Empty does not mean that there is none. */
            findings: components["schemas"]["AuditFinding"][];
        };
        AuditRecord: {
            stream: components["schemas"]["AuditStreamName"];
            /** @description Number in the stream. */
            seq: number;
            /** @description Hash of the record before. */
            prev: string;
            hash: string;
            /** @description At or before the newest record that a checkpoint signed. */
            sealed: boolean;
            event: components["schemas"]["AuditEvent"];
        };
        /** @description What happened, as it is in the log (docs/protocols/audit-log.md): CADF members; what is empty is left out. */
        AuditEvent: {
            /** Format: date-time */
            eventTime?: string;
            action?: string;
            outcome?: string;
            reason?: {
                reasonCode?: number;
                reasonForFailure?: string;
            };
            severity?: string;
            initiator?: {
                id?: string;
                name?: string;
                host?: {
                    address?: string;
                    agent?: string;
                };
            };
            target?: {
                id?: string;
                typeURI?: string;
            };
            correlationId?: string;
            requestData?: {
                requestURI?: string;
                instanceID?: string;
            } & {
                [key: string]: components["schemas"]["AuditDetail"];
            };
            responseData?: {
                [key: string]: components["schemas"]["AuditDetail"];
            };
            details?: {
                [key: string]: components["schemas"]["AuditDetail"];
            };
            /** @description Some details had no room. */
            detailsCut?: boolean;
            /** @description Of a checkpoint. */
            heads?: {
                stream: components["schemas"]["AuditStreamName"];
                seq: number;
                hash: string;
            }[];
        };
        AuditDetail: string | number;
        AuditFinding: {
            stream: components["schemas"]["AuditStreamName"];
            segment: number;
            /** @description Of the line in the segment's file. */
            offset: number;
            problem: string;
        };
        AuditStreamName: string;
        AuditStatus: {
            /** @description `ok`, or why records cannot be written. */
            health: string;
            streams: components["schemas"]["AuditStream"][];
            /** @description Records after the newest checkpoint. */
            unsealed_records: number;
            /**
             * Format: date-time
             * @description Time of the newest checkpoint; absent when there is none.
             */
            sealed_at?: string;
            check: components["schemas"]["AuditCheck"];
        };
        AuditStream: {
            stream: components["schemas"]["AuditStreamName"];
            /** @description Number of the newest record. */
            seq: number;
            /** @description Of the newest record. */
            hash: string;
            segments: number;
            /** @description Of all segments. */
            bytes: number;
            /** @description Of the newest record that a checkpoint signed; absent for checkpoints. */
            sealed_seq?: number;
        };
        AuditCheck: {
            /**
             * @description `none`: not since the server started. `failed`: it did not come to its end, see `failure`.
             * @enum {string}
             */
            state: "none" | "running" | "finished" | "failed";
            /** Format: date-time */
            started_at?: string;
            /** Format: date-time */
            finished_at?: string;
            /** @description About what there is to read. */
            bytes_total?: number;
            bytes_read?: number;
            failure?: string;
            result?: {
                records: number;
                checkpoints: number;
                /** @description Records after the newest checkpoint. */
                unsealed: number;
                /** @description Empty: the log is whole. */
                problems: string[];
                notes: string[];
            };
        };
        AuditCheckStarted: {
            started: boolean;
            check: components["schemas"]["AuditCheck"];
        };
        ConsoleEnvironment: {
            /**
             * @description Who serves the page: the server, or `keyhaven console` on the administrator's own machine.
             * @enum {string}
             */
            mode: "server" | "local";
            version: string;
            /** @description Public address of the service. */
            server: string;
            /** @description Whether there is a migration to show. */
            migrations: boolean;
            /** @description What the OpenID provider is called that people may log in with; absent: there is none. */
            openid?: string;
        };
        ConsoleLogin: {
            apikey: string;
        };
        ConsoleSession: {
            id: string;
            name: string;
            /** @enum {string} */
            kind: "serviceid" | "user";
            account: string;
            expires_at: components["schemas"]["Timestamp"];
        };
        Token: {
            /** @description A JWT, RS256. */
            access_token: string;
            /** @enum {string} */
            refresh_token: "not_supported";
            ims_user_id: number;
            /** @enum {string} */
            token_type: "Bearer";
            /** @description Seconds. */
            expires_in: number;
            /** @description Seconds since 1970. */
            expiration: number;
            scope: string;
        };
        /** @description BXNIM0109E: a property is missing; BXNIM0137E: grant type not supported; BXNIM0408E: refresh tokens are not issued; BXNIM0415E: no such API key. Every member of `context` is a text. */
        TokenRefusal: {
            /** @enum {string} */
            errorCode: "BXNIM0109E" | "BXNIM0137E" | "BXNIM0408E" | "BXNIM0415E";
            errorMessage: string;
            context: {
                requestId: string;
                requestType: string;
                userAgent: string;
                url: string;
                instanceId: string;
                startTime: string;
                endTime: string;
                elapsedTime: string;
                locale: string;
            };
        };
        /** @description Other fields (response_type, client ids, scope) and an `Authorization: Basic` header are ignored. */
        TokenRequest: {
            /** @enum {string} */
            grant_type: "urn:ibm:params:oauth:grant-type:apikey";
            /** @description The API key. */
            apikey: string;
        } & {
            [key: string]: unknown;
        };
        KeySet: {
            keys: {
                /** @enum {string} */
                kty: "RSA";
                n: string;
                e: string;
                /** @enum {string} */
                alg: "RS256";
                /** @enum {string} */
                use: "sig";
                kid: string;
            }[];
        };
        Identity: {
            id: components["schemas"]["IamId"];
            iam_id: components["schemas"]["IamId"];
            /** @description At most 240 bytes of UTF-8. */
            name: string;
            /** @enum {string} */
            type: "serviceid" | "user";
            description?: string;
            /** @description Makes it the identity of a cloud service, which may register its resources with keys: the first eight segments of their CRNs. */
            service_crn?: string;
            /** @description The OpenID provider of the link; a link to another provider than the configured one does not count. */
            oidc_issuer?: string;
            /** @description Whom the provider logs in as this user. */
            oidc_subject?: string;
            created_at: components["schemas"]["Timestamp"];
        };
        IdentityList: {
            serviceids: components["schemas"]["Identity"][];
        };
        IdentityUpdate: {
            /** @description The provider's `sub` of the person, which the log-in page shows to who is not linked. Null unlinks. */
            oidc_subject: string | null;
        };
        NewIdentity: {
            /** @description At most 240 bytes of UTF-8. */
            name: string;
            description?: string | null;
            /**
             * @default serviceid
             * @enum {string|null}
             */
            type?: "serviceid" | "user" | null;
            /** @description Of users only: the provider's `sub` of the person, who then logs in to the console there. Needs a configured provider. */
            oidc_subject?: string | null;
            /** @description Of service ids only: the first eight segments of the CRNs of the resources that it may register with keys, up to and including the service instance. */
            service_crn?: string | null;
        } & {
            [key: string]: unknown;
        };
        ApiKey: {
            id: string;
            iam_id: components["schemas"]["IamId"];
            /** @description At most 240 bytes of UTF-8. */
            name: string;
            locked: boolean;
            created_at: components["schemas"]["Timestamp"];
        };
        NewApiKey: {
            id: string;
            iam_id: components["schemas"]["IamId"];
            /** @description At most 240 bytes of UTF-8. */
            name: string;
            locked: boolean;
            created_at: components["schemas"]["Timestamp"];
            /** @description The secret, shown here and never again. */
            apikey: string;
        };
        ApiKeyList: {
            apikeys: components["schemas"]["ApiKey"][];
        };
        ApiKeyRequest: {
            /** @description At most 240 bytes of UTF-8. */
            name: string;
            /** @description Whose key; absent: the caller's. */
            iam_id?: string | null;
        } & {
            [key: string]: unknown;
        };
        AccessPolicy: {
            id: string;
            /** @enum {string} */
            type: "access";
            /** @enum {string} */
            state: "active";
            subjects: {
                attributes: {
                    name: string;
                    value: string;
                    /** @enum {string} */
                    operator: "stringEquals";
                }[];
            }[];
            roles: {
                role_id: string;
                /** @enum {string} */
                display_name: "Viewer" | "Operator" | "Editor" | "Administrator" | "Reader" | "ReaderPlus" | "Writer" | "Manager" | "KMS Key Purge";
            }[];
            resources: {
                attributes: {
                    name: string;
                    value: string;
                    /** @enum {string} */
                    operator: "stringEquals";
                }[];
            }[];
        };
        AccessPolicyList: {
            policies: components["schemas"]["AccessPolicy"][];
        };
        /** @description One subject (`iam_id`), roles, and what they are for: `[{"attributes": []}]` (the account), `serviceInstance`, `keyRing`, `resource` (a key id). An attribute that is not known is refused, because ignoring it would widen the policy. For the same reason no member may be null or empty, and each element has `attributes`. */
        NewAccessPolicy: {
            subjects: ({
                attributes: ({
                    /** @enum {string} */
                    name: "iam_id" | "serviceName" | "serviceInstance" | "keyRing" | "resourceType" | "resource" | "accountId";
                    value: string;
                    /** @enum {string} */
                    operator?: "stringEquals";
                } & {
                    [key: string]: unknown;
                })[];
            } & {
                [key: string]: unknown;
            })[];
            roles: ({
                /** @description A role CRN, or the last part of it. */
                role_id?: string;
                display_name?: string;
            } & {
                [key: string]: unknown;
            })[];
            resources: ({
                attributes: ({
                    /** @enum {string} */
                    name: "iam_id" | "serviceName" | "serviceInstance" | "keyRing" | "resourceType" | "resource" | "accountId";
                    value: string;
                    /** @enum {string} */
                    operator?: "stringEquals";
                } & {
                    [key: string]: unknown;
                })[];
            } & {
                [key: string]: unknown;
            })[];
        } & {
            [key: string]: unknown;
        };
        ImportToken: {
            id: components["schemas"]["Uuid"];
            creationDate: components["schemas"]["Timestamp"];
            expirationDate: components["schemas"]["Timestamp"];
            maxAllowedRetrievals: number;
            remainingRetrievals: number;
            /** @description Seconds. */
            expiration: number;
        };
        /** @description `payload`: base64 of the PEM text of an RSA-4096 public key (SubjectPublicKeyInfo). `nonce`: base64 of 12 bytes. */
        ImportTokenWithKey: {
            id: components["schemas"]["Uuid"];
            creationDate: components["schemas"]["Timestamp"];
            expirationDate: components["schemas"]["Timestamp"];
            maxAllowedRetrievals: number;
            remainingRetrievals: number;
            /** @description Seconds. */
            expiration: number;
            payload: components["schemas"]["Base64"];
            nonce: components["schemas"]["Base64"];
        };
        ImportTokenRequest: {
            /**
             * @description Life time in seconds.
             * @default 600
             */
            expiration?: number | null;
            /** @default 1 */
            maxAllowedRetrievals?: number | null;
        } & {
            [key: string]: unknown;
        };
        ServiceInstance: {
            id: components["schemas"]["Crn"];
            guid: components["schemas"]["Uuid"];
            crn: components["schemas"]["Crn"];
            url: string;
            name: string;
            /** @enum {string} */
            state: "active";
            /** @enum {string} */
            type: "service_instance";
            /** @enum {string} */
            sub_type: "kms";
            account_id: string;
            region_id: string;
            /** @enum {string} */
            resource_id: "hs-crypto";
            resource_plan_id: string;
            resource_group_id: string;
            parameters: {
                units: number;
                failover_units: number;
                recovery_units: number;
                /** @enum {string} */
                allowed_network: "public-and-private" | "private-only";
                /** @description Only while the policy allowedIP is active. */
                allowed_ip?: string[];
                rotation_interval_seconds: number;
                limits: {
                    keys: number;
                    key_rings: number;
                    aliases: number;
                    aliases_per_key: number;
                    registrations_per_key: number;
                    standard_key_bytes: number;
                    dek_bytes: number;
                    allowed_ip_subnets: number;
                    requests_per_second: number;
                    request_burst: number;
                };
            };
            extensions: {
                endpoints: {
                    public: string;
                    private: string;
                };
            };
            locked: boolean;
            allow_cleanup: boolean;
            created_at: components["schemas"]["Timestamp"];
            created_by: components["schemas"]["IamId"];
            updated_at: components["schemas"]["Timestamp"];
            warnings?: string[];
        };
        ServiceInstanceList: {
            rows_count: number;
            /** @description Path of the next page; absent on the last. */
            next_url?: string;
            resources: components["schemas"]["ServiceInstance"][];
        };
        NewServiceInstance: {
            /** @description At most 180 bytes of UTF-8. */
            name: string;
            /** @description Region, `bluemix-` and region, or a deployment CRN. */
            target?: string | null;
            /** @description At most 64 bytes of UTF-8. */
            resource_group?: string | null;
            resource_plan_id?: string | null;
            parameters?: ({
                /**
                 * @description Operational crypto units.
                 * @default 2
                 */
                units?: number | null;
                /**
                 * @description Failover units, at most as many as operational ones.
                 * @default 0
                 */
                failover_units?: number | null;
                /** @default 0 */
                recovery_units?: number | null;
                /** @description `true` without `recovery_units`: two of them, as Terraform asks for. */
                requires_recovery_units?: boolean | null;
                /** @enum {string|null} */
                allowed_network?: "public-and-private" | "private-only" | null;
                /**
                 * @description Least time between two rotations of a key; 0: none.
                 * @default 3600
                 */
                rotation_interval_seconds?: number | null;
                /** @description Limits of this instance; `null`: that of the deployment. An unknown name is refused. */
                limits?: {
                    keys?: number | null;
                    key_rings?: number | null;
                    aliases?: number | null;
                    aliases_per_key?: number | null;
                    registrations_per_key?: number | null;
                    standard_key_bytes?: number | null;
                    dek_bytes?: number | null;
                    allowed_ip_subnets?: number | null;
                    requests_per_second?: number | null;
                    request_burst?: number | null;
                } | null;
            } & {
                [key: string]: unknown;
            }) | null;
        } & {
            [key: string]: unknown;
        };
        ServiceInstanceChange: {
            /** @description At most 180 bytes of UTF-8. */
            name?: string | null;
            resource_plan_id?: string | null;
            parameters?: ({
                /** @description New units are in imprint mode and serve when they hold the master key; only zeroized units are removed. */
                units?: number | null;
                failover_units?: number | null;
                recovery_units?: number | null;
                requires_recovery_units?: boolean | null;
                /** @enum {string|null} */
                allowed_network?: "public-and-private" | "private-only" | null;
                /**
                 * @description Least time between two rotations of a key; 0: none.
                 * @default 3600
                 */
                rotation_interval_seconds?: number | null;
                /** @description Limits of this instance; `null`: that of the deployment. An unknown name is refused. */
                limits?: {
                    keys?: number | null;
                    key_rings?: number | null;
                    aliases?: number | null;
                    aliases_per_key?: number | null;
                    registrations_per_key?: number | null;
                    standard_key_bytes?: number | null;
                    dek_bytes?: number | null;
                    allowed_ip_subnets?: number | null;
                    requests_per_second?: number | null;
                    request_burst?: number | null;
                } | null;
                /** @description An empty list ends the policy allowedIP: the way back for administrators whom it shuts out. */
                allowed_ip?: string[];
            } & {
                [key: string]: unknown;
            }) | null;
        } & {
            [key: string]: unknown;
        };
        /** @description Hosts (and ports) without scheme; empty where nothing is served. */
        Endpoints: {
            instance_id: components["schemas"]["Uuid"];
            kms: {
                public: string;
                private: string;
            };
            ep11: {
                public: string;
                private: string;
            };
        };
        FirstEndpoints: {
            instance_id: components["schemas"]["Uuid"];
            kmkConnectionInfo: string;
            /** @enum {string} */
            keyStoreMode: "read-write";
        };
        /** @description Every member of a unit is a text. */
        CryptoUnitList: {
            metadata: {
                /** @enum {string} */
                collectionType: "application/vnd.ibm.tke.hsm+json";
                collectionTotal: number;
            };
            /** @description Operational units: they serve. */
            hsms: components["schemas"]["CryptoUnit"][];
            /** @description Recovery units: they keep a copy of the master key, which can be copied from them. */
            source_hsms: components["schemas"]["CryptoUnit"][];
            /** @description Failover units: they stand by. */
            failover_hsms: components["schemas"]["CryptoUnit"][];
        };
        CryptoUnit: {
            hsm_id: string;
            location: string;
            serial_number: string;
            /** @enum {string} */
            state: "imprint" | "uninitialized" | "initialized";
            /** @enum {string} */
            type: "operational" | "recovery" | "failover";
            /**
             * @description Of operational units: `waiting` units do not serve yet; they join when they hold the master key of those that do.
             * @enum {string}
             */
            membership?: "joined" | "waiting";
        };
        FrameRequest: {
            /** @description The HTPRequest text. */
            request: string;
        } & {
            [key: string]: unknown;
        };
        FrameAnswer: {
            response: string;
            /** @description The unit has answered, but the transcript has no entry of it: why. */
            transcript_fault?: string;
        };
        AttestationRoot: {
            ski: string;
            x: string;
            y: string;
            spki: components["schemas"]["Base64"];
        };
        WrapRequest: {
            /**
             * Format: byte
             * @description Base64 of 1 to 7,500 bytes. Absent or empty: a DEK of 32 random bytes is made and returned.
             */
            plaintext?: string | null;
            /** @description Additional authenticated data: must be the same, in the same order, when the DEK is unwrapped. Not stored. Absent and `[]` are equal. */
            aad?: string[] | null;
        } & {
            [key: string]: unknown;
        };
        /** @description `plaintext` only when the request had none. */
        WrapAnswer: {
            plaintext?: components["schemas"]["Base64"];
            ciphertext: components["schemas"]["Base64"];
            /** @description The version that was used. */
            keyVersion: {
                id: components["schemas"]["Uuid"];
            };
        };
        UnwrapRequest: {
            /**
             * Format: byte
             * @description A wrapped DEK, as it was returned by wrap, rewrap or unwrap.
             */
            ciphertext: string;
            /** @description Additional authenticated data: must be the same, in the same order, when the DEK is unwrapped. Not stored. Absent and `[]` are equal. */
            aad?: string[] | null;
        } & {
            [key: string]: unknown;
        };
        /** @description `ciphertext` and `rewrappedKeyVersion` only when the given ciphertext is of an older version: the same DEK wrapped by the newest, to be stored in place of the old one. */
        UnwrapAnswer: {
            plaintext: components["schemas"]["Base64"];
            /** @description The version that was used. */
            keyVersion: {
                id: components["schemas"]["Uuid"];
            };
            ciphertext?: components["schemas"]["Base64"];
            /** @description The version that was used. */
            rewrappedKeyVersion?: {
                id: components["schemas"]["Uuid"];
            };
        };
        RewrapAnswer: {
            ciphertext: components["schemas"]["Base64"];
            /** @description The version that was used. */
            keyVersion: {
                id: components["schemas"]["Uuid"];
            };
            /** @description The version that was used. */
            rewrappedKeyVersion: {
                id: components["schemas"]["Uuid"];
            };
        };
        /** @description Nothing is read from the body. */
        NoParameters: {
            [key: string]: unknown;
        };
        /** @description A version of a root key. The first one has the id of the key. */
        KeyVersion: {
            id: components["schemas"]["Uuid"];
            creationDate?: components["schemas"]["Timestamp"];
        };
        /** @description A key without its material. `lastUpdateDate` is left out in the answer that creates the key. `keyVersion` (root keys) is the current version. `rotation` is there if the key has such a policy; `migrationIntent` for services, if there is one; the dates of purge and restore in state 5. */
        Key: {
            /** @enum {string} */
            type: "application/vnd.ibm.kms.key+json";
            id: components["schemas"]["Uuid"];
            name: string;
            description?: string;
            /** @description In order of creation. */
            aliases?: components["schemas"]["Alias"][];
            tags?: string[];
            /**
             * @description 0 pre-active, 1 active, 2 suspended (disabled), 3 deactivated (expired), 5 destroyed (deleted, not yet purged).
             * @enum {integer}
             */
            state: 0 | 1 | 2 | 3 | 5;
            /** @description `true`: standard key; `false`: root key. */
            extractable: boolean;
            crn: components["schemas"]["Crn"];
            /** @description Whether the material came from the caller; never changes, and decides how the key is rotated. */
            imported: boolean;
            keyRingID: components["schemas"]["RingId"];
            creationDate: components["schemas"]["Timestamp"];
            createdBy: components["schemas"]["IamId"];
            /** @enum {string} */
            algorithmType: "AES";
            algorithmMetadata: {
                bitLength: string;
                /** @enum {string} */
                mode: "CBC_PAD";
            };
            algorithmBitSize: number;
            /** @enum {string} */
            algorithmMode: "CBC_PAD";
            expirationDate?: components["schemas"]["Timestamp"];
            lastUpdateDate?: components["schemas"]["Timestamp"];
            lastRotateDate?: components["schemas"]["Timestamp"];
            keyVersion?: components["schemas"]["KeyVersion"];
            dualAuthDelete: {
                enabled: boolean;
                /** @description With the policy only. */
                keySetForDeletion?: boolean;
                authExpiration?: components["schemas"]["Timestamp"];
            };
            rotation?: {
                enabled: boolean;
                interval_month: number;
            };
            deleted: boolean;
            deletionDate?: components["schemas"]["Timestamp"];
            deletedBy?: components["schemas"]["IamId"];
            restoreExpirationDate?: components["schemas"]["Timestamp"];
            restoreAllowed?: boolean;
            purgeAllowed?: boolean;
            purgeAllowedFrom?: components["schemas"]["Timestamp"];
            purgeScheduledOn?: components["schemas"]["Timestamp"];
            migrationIntent?: components["schemas"]["MigrationIntent"];
        };
        /** @description A key, and for a standard key that is not destroyed its material. */
        KeyWithPayload: {
            /** @enum {string} */
            type: "application/vnd.ibm.kms.key+json";
            id: components["schemas"]["Uuid"];
            name: string;
            description?: string;
            /** @description In order of creation. */
            aliases?: components["schemas"]["Alias"][];
            tags?: string[];
            /**
             * @description 0 pre-active, 1 active, 2 suspended (disabled), 3 deactivated (expired), 5 destroyed (deleted, not yet purged).
             * @enum {integer}
             */
            state: 0 | 1 | 2 | 3 | 5;
            /** @description `true`: standard key; `false`: root key. */
            extractable: boolean;
            crn: components["schemas"]["Crn"];
            /** @description Whether the material came from the caller; never changes, and decides how the key is rotated. */
            imported: boolean;
            keyRingID: components["schemas"]["RingId"];
            creationDate: components["schemas"]["Timestamp"];
            createdBy: components["schemas"]["IamId"];
            /** @enum {string} */
            algorithmType: "AES";
            algorithmMetadata: {
                bitLength: string;
                /** @enum {string} */
                mode: "CBC_PAD";
            };
            algorithmBitSize: number;
            /** @enum {string} */
            algorithmMode: "CBC_PAD";
            expirationDate?: components["schemas"]["Timestamp"];
            lastUpdateDate?: components["schemas"]["Timestamp"];
            lastRotateDate?: components["schemas"]["Timestamp"];
            keyVersion?: components["schemas"]["KeyVersion"];
            dualAuthDelete: {
                enabled: boolean;
                /** @description With the policy only. */
                keySetForDeletion?: boolean;
                authExpiration?: components["schemas"]["Timestamp"];
            };
            rotation?: {
                enabled: boolean;
                interval_month: number;
            };
            deleted: boolean;
            deletionDate?: components["schemas"]["Timestamp"];
            deletedBy?: components["schemas"]["IamId"];
            restoreExpirationDate?: components["schemas"]["Timestamp"];
            restoreAllowed?: boolean;
            purgeAllowed?: boolean;
            purgeAllowedFrom?: components["schemas"]["Timestamp"];
            purgeScheduledOn?: components["schemas"]["Timestamp"];
            migrationIntent?: components["schemas"]["MigrationIntent"];
            payload?: components["schemas"]["Base64"];
        };
        /** @description What `Prefer: return=minimal` leaves of a key. */
        KeyName: {
            /** @enum {string} */
            type: "application/vnd.ibm.kms.key+json";
            id: components["schemas"]["Uuid"];
            crn: components["schemas"]["Crn"];
        };
        OneKey: {
            metadata: {
                /** @enum {string} */
                collectionType: "application/vnd.ibm.kms.key+json";
                /** @enum {integer} */
                collectionTotal: 1;
            };
            resources: components["schemas"]["Key"][];
        };
        OneKeyWithPayload: {
            metadata: {
                /** @enum {string} */
                collectionType: "application/vnd.ibm.kms.key+json";
                /** @enum {integer} */
                collectionTotal: 1;
            };
            resources: components["schemas"]["KeyWithPayload"][];
        };
        OneKeyName: {
            metadata: {
                /** @enum {string} */
                collectionType: "application/vnd.ibm.kms.key+json";
                /** @enum {integer} */
                collectionTotal: 1;
            };
            resources: components["schemas"]["KeyName"][];
        };
        KeyList: {
            metadata: {
                /** @enum {string} */
                collectionType: "application/vnd.ibm.kms.key+json";
                collectionTotal: number;
                /** @description What `search` was understood as. */
                searchQuery?: {
                    query: string;
                    scopes: ("name" | "alias")[];
                    not: boolean;
                    exact: boolean;
                };
                /**
                 * @description The instance has too many keys to search; this is what a direct look-up found.
                 * @enum {boolean}
                 */
                incompleteSearch?: true;
            };
            resources: components["schemas"]["Key"][];
        };
        KeyVersionList: {
            metadata: {
                /** @enum {string} */
                collectionType: "application/vnd.ibm.kms.key.version+json";
                collectionTotal: number;
                /** @description Matches before `limit` and `offset`; present when asked for with `totalCount=true`. */
                totalCount?: number;
            };
            resources: {
                id: components["schemas"]["Uuid"];
                creationDate: components["schemas"]["Timestamp"];
            }[];
        };
        NewKey: {
            /**
             * @description When given, it must be this.
             * @enum {string|null}
             */
            type?: "application/vnd.ibm.kms.key+json" | "" | null;
            /** @description Need not be unique. */
            name: string;
            /**
             * @description `true`: standard key; `false`: root key.
             * @default true
             */
            extractable?: boolean | null;
            /** @description 2 to 240 characters, or empty. Cannot be changed later. */
            description?: string | null;
            tags?: string[] | null;
            aliases?: components["schemas"]["Alias"][] | null;
            /**
             * Format: date-time
             * @description In the future; fractions and offsets are accepted. Cannot be changed later.
             */
            expirationDate?: string | null;
            /**
             * Format: byte
             * @description Base64 of the material. Root key: 16, 24 or 32 bytes, or the RSA-OAEP ciphertext when `encryptedNonce` and `iv` are given. Standard key: 1 to 7,500 bytes. Absent or empty: 256 bits are generated.
             */
            payload?: string | null;
            /**
             * Format: byte
             * @description Secure import of a root key: the nonce of the import token encrypted with the imported key. Together with `iv` or not at all.
             */
            encryptedNonce?: string | null;
            /**
             * Format: byte
             * @description 12 bytes: the nonce was encrypted with AES-GCM; 16 bytes: AES-CBC with PKCS#7.
             */
            iv?: string | null;
            /**
             * @description Hash of the OAEP encryption.
             * @default RSAES_OAEP_SHA_256
             * @enum {string|null}
             */
            encryptionAlgorithm?: "RSAES_OAEP_SHA_256" | "RSAES_OAEP_SHA_1" | "" | null;
        } & {
            [key: string]: unknown;
        };
        NewKeyWithPolicies: {
            /**
             * @description When given, it must be this.
             * @enum {string|null}
             */
            type?: "application/vnd.ibm.kms.key+json" | "" | null;
            /** @description Need not be unique. */
            name: string;
            /**
             * @description `true`: standard key; `false`: root key.
             * @default true
             */
            extractable?: boolean | null;
            /** @description 2 to 240 characters, or empty. Cannot be changed later. */
            description?: string | null;
            tags?: string[] | null;
            aliases?: components["schemas"]["Alias"][] | null;
            /**
             * Format: date-time
             * @description In the future; fractions and offsets are accepted. Cannot be changed later.
             */
            expirationDate?: string | null;
            /**
             * Format: byte
             * @description Base64 of the material. Root key: 16, 24 or 32 bytes, or the RSA-OAEP ciphertext when `encryptedNonce` and `iv` are given. Standard key: 1 to 7,500 bytes. Absent or empty: 256 bits are generated.
             */
            payload?: string | null;
            /**
             * Format: byte
             * @description Secure import of a root key: the nonce of the import token encrypted with the imported key. Together with `iv` or not at all.
             */
            encryptedNonce?: string | null;
            /**
             * Format: byte
             * @description 12 bytes: the nonce was encrypted with AES-GCM; 16 bytes: AES-CBC with PKCS#7.
             */
            iv?: string | null;
            /**
             * @description Hash of the OAEP encryption.
             * @default RSAES_OAEP_SHA_256
             * @enum {string|null}
             */
            encryptionAlgorithm?: "RSAES_OAEP_SHA_256" | "RSAES_OAEP_SHA_1" | "" | null;
            /** @description Generated root keys only. */
            rotation?: ({
                /** @default true */
                enabled?: boolean;
                interval_month: number;
            } & {
                [key: string]: unknown;
            }) | null;
            dualAuthDelete?: ({
                enabled: boolean;
            } & {
                [key: string]: unknown;
            }) | null;
        } & {
            [key: string]: unknown;
        };
        NewKeyEnvelope: {
            metadata: {
                /**
                 * @description Not checked.
                 * @example application/vnd.ibm.kms.key+json
                 */
                collectionType?: string;
                /** @description Number of resources; when given it must be right. */
                collectionTotal?: number;
            } & {
                [key: string]: unknown;
            };
            resources: components["schemas"]["NewKey"][];
        } & {
            [key: string]: unknown;
        };
        NewKeyWithPoliciesEnvelope: {
            metadata: {
                /**
                 * @description Not checked.
                 * @example application/vnd.ibm.kms.key+json
                 */
                collectionType?: string;
                /** @description Number of resources; when given it must be right. */
                collectionTotal?: number;
            } & {
                [key: string]: unknown;
            };
            resources: components["schemas"]["NewKeyWithPolicies"][];
        } & {
            [key: string]: unknown;
        };
        Material: {
            /**
             * Format: byte
             * @description Base64 of the material. Root key: 16, 24 or 32 bytes, or the RSA-OAEP ciphertext when `encryptedNonce` and `iv` are given. Standard key: 1 to 7,500 bytes. Absent or empty: 256 bits are generated.
             */
            payload?: string | null;
            /**
             * Format: byte
             * @description Secure import of a root key: the nonce of the import token encrypted with the imported key. Together with `iv` or not at all.
             */
            encryptedNonce?: string | null;
            /**
             * Format: byte
             * @description 12 bytes: the nonce was encrypted with AES-GCM; 16 bytes: AES-CBC with PKCS#7.
             */
            iv?: string | null;
            /**
             * @description Hash of the OAEP encryption.
             * @default RSAES_OAEP_SHA_256
             * @enum {string|null}
             */
            encryptionAlgorithm?: "RSAES_OAEP_SHA_256" | "RSAES_OAEP_SHA_1" | "" | null;
        } & {
            [key: string]: unknown;
        };
        /** @description Nothing is needed. Material, bare or as a resource, is compared with that of the key. */
        RestoreRequest: {
            /**
             * Format: byte
             * @description Base64 of the material. Root key: 16, 24 or 32 bytes, or the RSA-OAEP ciphertext when `encryptedNonce` and `iv` are given. Standard key: 1 to 7,500 bytes. Absent or empty: 256 bits are generated.
             */
            payload?: string | null;
            /**
             * Format: byte
             * @description Secure import of a root key: the nonce of the import token encrypted with the imported key. Together with `iv` or not at all.
             */
            encryptedNonce?: string | null;
            /**
             * Format: byte
             * @description 12 bytes: the nonce was encrypted with AES-GCM; 16 bytes: AES-CBC with PKCS#7.
             */
            iv?: string | null;
            /**
             * @description Hash of the OAEP encryption.
             * @default RSAES_OAEP_SHA_256
             * @enum {string|null}
             */
            encryptionAlgorithm?: "RSAES_OAEP_SHA_256" | "RSAES_OAEP_SHA_1" | "" | null;
            resources?: components["schemas"]["Material"][];
            /** @description Not checked. */
            metadata?: {
                [key: string]: unknown;
            };
        } & {
            [key: string]: unknown;
        };
        KeyPatch: {
            keyRingID: components["schemas"]["RingId"];
        } & {
            [key: string]: unknown;
        };
        MasterKeyRotation: {
            /**
             * @description `resealing`: the stored keys go from `from` to `to`. `resealed`: all are there. `reverting`: they go back.
             * @enum {string}
             */
            phase: "none" | "resealing" | "resealed" | "reverting";
            /** @description For people, in the vendor's words. */
            message: string;
            from?: components["schemas"]["MasterKeyName"];
            to?: components["schemas"]["MasterKeyName"];
            /** Format: date-time */
            started_at?: string;
            started_by?: string;
            /** @description All keys of the instance; deleted ones count. */
            keys_total: number;
            /** @description Those that are still to be sealed anew. */
            keys_left: number;
            keys_per_second: number;
            /** @description What keeps the work from going on; it is tried again by itself. */
            waiting_for?: string;
            /** @description What is sealed under which master key. */
            stored: {
                master_key: components["schemas"]["MasterKeyName"];
                keys: number;
                key_versions: number;
                import_token: boolean;
            }[];
            /** @description Key versions that cannot be sealed anew, the first of them; they stop the rotation until they are purged. */
            unopened: {
                key_id: string;
                version_id: string;
                cause: string;
            }[];
            unopened_total: number;
            /** @description Empty while the units do not answer. */
            units: {
                hsm_id: string;
                location: string;
                /** @enum {string} */
                type: "operational" | "recovery" | "failover";
                /** @description Whether the keys of the instance depend on it. */
                joined: boolean;
                current: components["schemas"]["MasterKeyRegister"];
                new: components["schemas"]["MasterKeyRegister"];
            }[];
        };
        /** @description The first half of the verification pattern of a master key. */
        MasterKeyName: string;
        MasterKeyRegister: {
            /** @enum {string} */
            state: "Empty" | "Full uncommitted" | "Full committed" | "Valid";
            verification_pattern?: string;
        };
        MigrationReport: {
            plan_id: components["schemas"]["Uuid"];
            report_sha256: components["schemas"]["Sha256"];
            plan_sha256: components["schemas"]["Sha256"];
            journal_sha256: components["schemas"]["Sha256"];
            /** @enum {string} */
            result: "verified" | "incomplete";
            source_instance: components["schemas"]["Uuid"];
        };
        Sha256: string;
        AuditReceipt: {
            /** @description The line of the audit log that holds the hash. */
            record: string;
            /** @description The signed line after it; its head of the stream `management` is `record`. */
            checkpoint: string;
            /** @description Ed25519. Compare it with the key from the service's installation. */
            public_key: string;
        };
        Alive: {
            /** @enum {string} */
            status: "alive";
        };
        Readiness: {
            /** @enum {string} */
            status: "ready" | "not_ready";
            /** @description `ok`, or why not. */
            causes: {
                unit: string;
                store: string;
                audit: string;
                /** @description What a rotation waits for; the server is ready all the same. */
                master_key_rotation: string;
                /** @description How many stored records are not in use, because they are not as the crypto unit sealed them last; the server is ready all the same. */
                records: string;
            };
        };
        AuditPublicKey: {
            /** @enum {string} */
            algorithm: "Ed25519";
            public_key: string;
        };
        GovernanceConfigs: {
            next?: {
                href: string;
            };
            account_id: string;
            service_name: string;
            /** @enum {string} */
            resource_kind: "instance" | "key";
            config_request_id?: string;
            timestamp: components["schemas"]["Timestamp"];
            config_state: {
                resource_crn: components["schemas"]["Crn"];
                resource_group_id?: string;
                additional_target_attributes: {
                    resource_id: string;
                    location: string;
                    instance_id: string;
                    resource_name: string;
                };
                current_config: {
                    property: string;
                    /** @description Text, number or boolean. */
                    value?: unknown;
                    properties?: {
                        property: string;
                        value: unknown;
                    }[];
                }[];
            }[];
        };
        /**
         * @description An action that needs a role: its audit event without `hs-crypto.`.
         * @enum {string}
         */
        Action: "audit-log.checkpoint" | "audit-log.read" | "audit-log.search" | "audit-log.verify" | "governance-config.read" | "iam-apikey.create" | "iam-apikey.delete" | "iam-apikey.list" | "iam-identity.create" | "iam-identity.delete" | "iam-identity.list" | "iam-identity.update" | "iam-policy.create" | "iam-policy.delete" | "iam-policy.list" | "import-token.create" | "import-token.read" | "instance-allowed-ip-port.read" | "instance-endpoints.read" | "instance-policies.read" | "instance-policies.write" | "instances.create" | "instances.delete" | "instances.read" | "instances.update" | "key-rings.create" | "key-rings.delete" | "key-rings.list" | "metrics.read" | "migration-intent.create" | "migration-intent.delete" | "migration-intent.read" | "migration-report.record" | "policies.read" | "policies.write" | "registrations.create" | "registrations.deactivate" | "registrations.delete" | "registrations.list" | "registrations.merge" | "registrations.write" | "secrets-alias.create" | "secrets-alias.delete" | "secrets-event.ack" | "secrets-event.list" | "secrets-key-versions.list" | "secrets-metadata.read" | "secrets.create" | "secrets.default" | "secrets.delete" | "secrets.disable" | "secrets.enable" | "secrets.head" | "secrets.list" | "secrets.patch" | "secrets.purge" | "secrets.read" | "secrets.restore" | "secrets.rewrap" | "secrets.rotate" | "secrets.setkeyfordeletion" | "secrets.sync" | "secrets.unsetkeyfordeletion" | "secrets.unwrap" | "secrets.wrap" | "store.verify" | "tke-cryptounit-admin.add" | "tke-cryptounit-admin.remove" | "tke-cryptounit-control-points.set" | "tke-cryptounit-current-master-key-register.clear" | "tke-cryptounit-importer-key.generate" | "tke-cryptounit-master-key-register.activate" | "tke-cryptounit-master-key-register.add" | "tke-cryptounit-master-key-register.commit" | "tke-cryptounit-master-key-register.generate" | "tke-cryptounit-master-key.export" | "tke-cryptounit-new-master-key-register.clear" | "tke-cryptounit-records.accept" | "tke-cryptounit-threshold.set" | "tke-cryptounit-transfer.authorize" | "tke-cryptounit-transfer.consent" | "tke-cryptounit-transfer.offer" | "tke-cryptounit.default" | "tke-cryptounit.list" | "tke-cryptounit.query" | "tke-cryptounit.reset" | "tke-master-key-rotation.read" | "tke-master-key-rotation.start" | "tke-proposal.create" | "tke-proposal.delete" | "tke-proposal.read" | "tke-proposal.send" | "tke-proposal.sign" | "tke-transcript.read" | "transfer.close" | "transfer.export" | "transfer.import" | "transfer.read" | "unit-sealing.read" | "unit-sealing.update";
        ActionList: components["schemas"]["Action"][];
        Permissions: {
            /** @description On everything: all instances, identities, the audit log. */
            account: components["schemas"]["ActionList"];
            instance?: components["schemas"]["InstancePermissions"];
            /** @description The roles that allow each action; the same for every caller. */
            requirements: components["schemas"]["ActionRequirement"][];
        };
        /** @description When the query names an instance. */
        InstancePermissions: {
            id: components["schemas"]["Uuid"];
            /** @description On the whole instance and all in it. */
            actions: components["schemas"]["ActionList"];
            /** @description On rings and keys that policies name. A call on a key is allowed when the whole instance, its ring, it or it in its ring allows it. */
            parts: components["schemas"]["PartPermissions"][];
        };
        PartPermissions: {
            places: {
                /** @description The ring and every key in it, or with `key` the key while it is in this ring. */
                key_ring?: string;
                key?: components["schemas"]["Uuid"];
            }[];
            /** @description In each of the places, those of the whole instance included. */
            actions: components["schemas"]["ActionList"];
        };
        ActionRequirement: {
            /** @description Any of them is enough. */
            roles: string[];
            actions: components["schemas"]["ActionList"];
        };
        RotationPolicy: {
            /** @enum {string} */
            type: "application/vnd.ibm.kms.policy+json";
            id?: components["schemas"]["Uuid"];
            crn: components["schemas"]["Crn"];
            createdBy: components["schemas"]["IamId"];
            creationDate: components["schemas"]["Timestamp"];
            updatedBy: components["schemas"]["IamId"];
            lastUpdateDate: components["schemas"]["Timestamp"];
            rotation: {
                enabled: boolean;
                /** @description Months of 30 days. */
                interval_month: number;
            };
        };
        DualAuthPolicy: {
            /** @enum {string} */
            type: "application/vnd.ibm.kms.policy+json";
            id?: components["schemas"]["Uuid"];
            crn: components["schemas"]["Crn"];
            createdBy: components["schemas"]["IamId"];
            creationDate: components["schemas"]["Timestamp"];
            updatedBy: components["schemas"]["IamId"];
            lastUpdateDate: components["schemas"]["Timestamp"];
            dualAuthDelete: {
                enabled: boolean;
            };
        };
        KeyPolicyList: {
            metadata: {
                /** @enum {string} */
                collectionType: "application/vnd.ibm.kms.policy+json";
                collectionTotal: number;
            };
            resources: (components["schemas"]["RotationPolicy"] | components["schemas"]["DualAuthPolicy"])[];
        };
        /** @description Unknown members are refused. Of what a GET returned, `id`, `crn` and the dates may be sent back and are ignored. */
        KeyPolicySetting: {
            /** @enum {string|null} */
            type?: "application/vnd.ibm.kms.policy+json" | "" | null;
            /** @description Generated root keys only. */
            rotation?: {
                /**
                 * @description Absent: `true`.
                 * @default true
                 */
                enabled?: boolean | null;
                /** @description Months of 30 days. Absent: the stored one. */
                interval_month?: number | null;
            } | null;
            dualAuthDelete?: {
                /** @description Once on, it stays on. */
                enabled: boolean;
            } | null;
            /** @description Ignored. */
            id?: string | null;
            /** @description Ignored. */
            crn?: string | null;
            /** @description Ignored. */
            createdBy?: string | null;
            /** @description Ignored. */
            creationDate?: string | null;
            /** @description Ignored. */
            updatedBy?: string | null;
            /** @description Ignored. */
            lastUpdateDate?: string | null;
        };
        KeyPolicyEnvelope: {
            metadata: {
                /**
                 * @description Not checked.
                 * @example application/vnd.ibm.kms.policy+json
                 */
                collectionType?: string;
                /** @description Number of resources; when given it must be right. */
                collectionTotal?: number;
            } & {
                [key: string]: unknown;
            };
            resources: components["schemas"]["KeyPolicySetting"][];
        } & {
            [key: string]: unknown;
        };
        DualAuthDeleteInstancePolicy: {
            creationDate: components["schemas"]["Timestamp"];
            createdBy: components["schemas"]["IamId"];
            updatedBy: components["schemas"]["IamId"];
            lastUpdated: components["schemas"]["Timestamp"];
            /** @enum {string} */
            policy_type: "dualAuthDelete";
            policy_data: {
                enabled: boolean;
            };
        };
        AllowedNetworkInstancePolicy: {
            creationDate: components["schemas"]["Timestamp"];
            createdBy: components["schemas"]["IamId"];
            updatedBy: components["schemas"]["IamId"];
            lastUpdated: components["schemas"]["Timestamp"];
            /** @enum {string} */
            policy_type: "allowedNetwork";
            policy_data: {
                enabled: boolean;
                attributes?: {
                    /** @enum {string} */
                    allowed_network: "public-and-private" | "private-only";
                };
            };
        };
        AllowedIPInstancePolicy: {
            creationDate: components["schemas"]["Timestamp"];
            createdBy: components["schemas"]["IamId"];
            updatedBy: components["schemas"]["IamId"];
            lastUpdated: components["schemas"]["Timestamp"];
            /** @enum {string} */
            policy_type: "allowedIP";
            policy_data: {
                enabled: boolean;
                attributes?: {
                    /** @description Networks in CIDR form. */
                    allowed_ip: string[];
                };
            };
        };
        MetricsInstancePolicy: {
            creationDate: components["schemas"]["Timestamp"];
            createdBy: components["schemas"]["IamId"];
            updatedBy: components["schemas"]["IamId"];
            lastUpdated: components["schemas"]["Timestamp"];
            /** @enum {string} */
            policy_type: "metrics";
            policy_data: {
                enabled: boolean;
            };
        };
        KeyCreateImportAccessInstancePolicy: {
            creationDate: components["schemas"]["Timestamp"];
            createdBy: components["schemas"]["IamId"];
            updatedBy: components["schemas"]["IamId"];
            lastUpdated: components["schemas"]["Timestamp"];
            /** @enum {string} */
            policy_type: "keyCreateImportAccess";
            policy_data: {
                enabled: boolean;
                attributes?: {
                    /** @default true */
                    create_root_key: boolean;
                    /** @default true */
                    create_standard_key: boolean;
                    /** @default true */
                    import_root_key: boolean;
                    /** @default true */
                    import_standard_key: boolean;
                    /** @default false */
                    enforce_token: boolean;
                };
            };
        };
        RotationInstancePolicy: {
            creationDate: components["schemas"]["Timestamp"];
            createdBy: components["schemas"]["IamId"];
            updatedBy: components["schemas"]["IamId"];
            lastUpdated: components["schemas"]["Timestamp"];
            /** @enum {string} */
            policy_type: "rotation";
            policy_data: {
                enabled: boolean;
                attributes?: {
                    interval_month: number;
                };
            };
        };
        InstancePolicyList: {
            metadata: {
                /** @enum {string} */
                collectionType: "application/vnd.ibm.kms.policy+json";
                collectionTotal: number;
            };
            resources: (components["schemas"]["DualAuthDeleteInstancePolicy"] | components["schemas"]["AllowedNetworkInstancePolicy"] | components["schemas"]["AllowedIPInstancePolicy"] | components["schemas"]["MetricsInstancePolicy"] | components["schemas"]["KeyCreateImportAccessInstancePolicy"] | components["schemas"]["RotationInstancePolicy"])[];
        };
        /** @description Unknown members are refused. */
        InstancePolicySetting: {
            /** @enum {string} */
            policy_type: "dualAuthDelete" | "allowedNetwork" | "allowedIP" | "metrics" | "keyCreateImportAccess" | "rotation" | "ipWhitelist";
            policy_data: {
                enabled: boolean;
                /** @description Those of the policy type; see the description of the call. */
                attributes?: {
                    /**
                     * @description Absent or empty: `public-and-private`.
                     * @enum {string|null}
                     */
                    allowed_network?: "public-and-private" | "private-only" | "" | null;
                    allowed_ip?: string[] | null;
                    create_root_key?: boolean | null;
                    create_standard_key?: boolean | null;
                    import_root_key?: boolean | null;
                    import_standard_key?: boolean | null;
                    enforce_token?: boolean | null;
                    interval_month?: number | null;
                } | null;
            };
            /** @description Ignored. */
            creationDate?: string | null;
            /** @description Ignored. */
            createdBy?: string | null;
            /** @description Ignored. */
            updatedBy?: string | null;
            /** @description Ignored. */
            lastUpdated?: string | null;
        };
        InstancePolicyEnvelope: {
            metadata: {
                /**
                 * @description Not checked.
                 * @example application/vnd.ibm.kms.policy+json
                 */
                collectionType?: string;
                /** @description Number of resources; when given it must be right. */
                collectionTotal?: number;
            } & {
                [key: string]: unknown;
            };
            resources: components["schemas"]["InstancePolicySetting"][];
        } & {
            [key: string]: unknown;
        };
        AllowedIpPort: {
            metadata: {
                /** @enum {string} */
                collectionType: "application/vnd.ibm.kms.allowed_ip_metadata+json";
                collectionTotal: number;
            };
            resources: {
                private_endpoint_port: number;
            }[];
        };
        ProposalRequest: {
            /**
             * Format: uuid
             * @description Id of the crypto unit.
             */
            hsm_id: string;
            /**
             * Format: byte
             * @description DER of the command block (xcpAdminBlk), at most 16384 bytes, in base64.
             */
            block: string;
            /** @description For the other administrators. */
            note?: string | null;
        } & {
            [key: string]: unknown;
        };
        ProposalSignatureRequest: {
            /**
             * Format: byte
             * @description DER of one SignerInfo, in base64.
             */
            signer_info: string;
        } & {
            [key: string]: unknown;
        };
        ProposalList: {
            proposals: components["schemas"]["Proposal"][];
        };
        Proposal: {
            /** Format: uuid */
            id: string;
            hsm_id: string;
            /**
             * @description `lapsed`: the unit's counter has moved past the block's, or the unit was zeroized. `sending`, found after an interruption, is resolved by asking the unit.
             * @enum {string}
             */
            state: "open" | "sending" | "sent" | "lapsed";
            /** @description Why it lapsed, that its answer was lost, or that sending was interrupted. */
            cause?: string;
            command: string;
            /** @description What the command is about, by its kind: adminId, adminName, signatureThreshold, revocationSignatureThreshold, verificationPattern. */
            details: {
                [key: string]: string;
            };
            domain_index: number;
            domain_instance: number;
            module_id: string;
            counter: string;
            /** @description What administrators compare before they sign. */
            block_sha512: string;
            note?: string;
            created_by: string;
            /** Format: date-time */
            created_at: string;
            signatures: {
                signer: string;
                name: string;
                added_by: string;
                /** Format: date-time */
                added_at: string;
                signer_info?: components["schemas"]["Base64"];
            }[];
            /** @description Of an open one while the unit answers. */
            signatures_needed?: number;
            /** @description How many other commands of the unit must come before it. */
            commands_before?: number;
            sent_by?: string;
            /** Format: date-time */
            ended_at?: string;
            /** @description What the unit answered. Absent when the answer was lost. */
            result?: {
                accepted: boolean;
                return_code: number;
                reason_code: number;
                meaning: string;
                remedy: string;
            };
            block?: components["schemas"]["Base64"];
            /** @description The HTPRequest that was sent. */
            request?: string;
            /** @description The HTPResponse of the unit. */
            response?: string;
        };
        SentProposal: {
            /** Format: uuid */
            id: string;
            hsm_id: string;
            /**
             * @description `lapsed`: the unit's counter has moved past the block's, or the unit was zeroized. `sending`, found after an interruption, is resolved by asking the unit.
             * @enum {string}
             */
            state: "open" | "sending" | "sent" | "lapsed";
            /** @description Why it lapsed, that its answer was lost, or that sending was interrupted. */
            cause?: string;
            command: string;
            /** @description What the command is about, by its kind: adminId, adminName, signatureThreshold, revocationSignatureThreshold, verificationPattern. */
            details: {
                [key: string]: string;
            };
            domain_index: number;
            domain_instance: number;
            module_id: string;
            counter: string;
            /** @description What administrators compare before they sign. */
            block_sha512: string;
            note?: string;
            created_by: string;
            /** Format: date-time */
            created_at: string;
            signatures: {
                signer: string;
                name: string;
                added_by: string;
                /** Format: date-time */
                added_at: string;
                signer_info?: components["schemas"]["Base64"];
            }[];
            /** @description Of an open one while the unit answers. */
            signatures_needed?: number;
            /** @description How many other commands of the unit must come before it. */
            commands_before?: number;
            sent_by?: string;
            /** Format: date-time */
            ended_at?: string;
            /** @description What the unit answered. Absent when the answer was lost. */
            result?: {
                accepted: boolean;
                return_code: number;
                reason_code: number;
                meaning: string;
                remedy: string;
            };
            block?: components["schemas"]["Base64"];
            /** @description The HTPRequest that was sent. */
            request?: string;
            /** @description The HTPResponse of the unit. */
            response?: string;
            /** @description The unit has answered, but the transcript has no entry of it: why. Keep both frames yourself. */
            transcript_fault?: string;
            /** @description The unit has answered, but the proposal could not be marked as sent. That is found out when it is next read; do not send the command again. */
            record_fault?: string;
        };
        Transcript: {
            /** @description The oldest sequence that is kept; 0: there are no entries. */
            first: number;
            last: number;
            entries: components["schemas"]["TranscriptEntry"][];
        };
        TranscriptEntry: {
            sequence: number;
            /** @description The hash of the entry before; zeros in the first. */
            previous: string;
            /** @description How it is computed: docs/operations/proposals.md. */
            hash: string;
            /** Format: date-time */
            time: string;
            /** @description Microseconds since 1970, as hashed. */
            time_us: number;
            hsm_id: string;
            location: string;
            caller: string;
            command?: string;
            request: string;
            /** @description Empty: no answer came, the unit may have acted. */
            response: string;
            /** @description Of the module that signed, its own first; the root is not among them. */
            certificates: components["schemas"]["Base64"][];
        };
        /** @description The last three members are there once it is acknowledged. */
        LifecycleEvent: {
            id: components["schemas"]["Uuid"];
            /** @enum {string} */
            kind: "rotate" | "delete" | "restore" | "enable" | "disable" | "sync" | "migrationIntent";
            keyId: components["schemas"]["Uuid"];
            /** @description The newest version when it happened. */
            keyVersion: {
                id: components["schemas"]["Uuid"];
            };
            resourceCrn: string;
            creationDate: components["schemas"]["Timestamp"];
            deadline: components["schemas"]["Timestamp"];
            acknowledged?: components["schemas"]["Timestamp"];
            acknowledgedBy?: components["schemas"]["IamId"];
            adopterKeyState?: string;
        };
        LifecycleEventList: {
            metadata: {
                /** @enum {string} */
                collectionType: "application/vnd.keyhaven.lifecycle_event+json";
                collectionTotal: number;
                /** @description Matches before `limit` and `offset`; present when asked for with `totalCount=true`. */
                totalCount?: number;
            };
            resources: components["schemas"]["LifecycleEvent"][];
        };
        EventAcknowledgement: {
            /** Format: uuid */
            eventId: string;
            /**
             * @description At most 64 bytes of UTF-8.
             * @example DEK_ENABLED
             */
            adopterKeyState: string;
            /** Format: date-time */
            timestamp?: string | null;
            keyStateData?: ({
                /**
                 * Format: uuid
                 * @description Required with `DEK_ENABLED`.
                 */
                rewrappedKeyVersion?: string | null;
            } & {
                [key: string]: unknown;
            }) | null;
        } & {
            [key: string]: unknown;
        };
        EventAcknowledgementEnvelope: {
            metadata: {
                /**
                 * @description Not checked.
                 * @example application/vnd.ibm.kms.event_acknowledge+json
                 */
                collectionType?: string;
                /** @description Number of resources; when given it must be right. */
                collectionTotal?: number;
            } & {
                [key: string]: unknown;
            };
            resources: components["schemas"]["EventAcknowledgement"][];
        } & {
            [key: string]: unknown;
        };
        MigrationIntent: {
            id: components["schemas"]["Uuid"];
            sourceCRK: components["schemas"]["Crn"];
            targetCRK: string;
            creationDate: components["schemas"]["Timestamp"];
            createdBy: components["schemas"]["IamId"];
        };
        OneMigrationIntent: {
            metadata: {
                /** @enum {string} */
                collectionType: "application/vnd.ibm.kms.migration_intent+json";
                /** @enum {integer} */
                collectionTotal: 1;
            };
            resources: components["schemas"]["MigrationIntent"][];
        };
        MigrationIntentEnvelope: {
            metadata: {
                /**
                 * @description Not checked.
                 * @example application/vnd.ibm.kms.migration_intent_input+json
                 */
                collectionType?: string;
                /** @description Number of resources; when given it must be right. */
                collectionTotal?: number;
            } & {
                [key: string]: unknown;
            };
            resources: ({
                /** @description CRN of the key that takes over. */
                targetCRK: string;
            } & {
                [key: string]: unknown;
            })[];
        } & {
            [key: string]: unknown;
        };
        Registration: {
            keyId: components["schemas"]["Uuid"];
            keyName: string;
            resourceCrn: string;
            createdBy: components["schemas"]["IamId"];
            creationDate: components["schemas"]["Timestamp"];
            updatedBy: components["schemas"]["IamId"];
            lastUpdated: components["schemas"]["Timestamp"];
            description?: string;
            preventKeyDeletion: boolean;
            keyVersion: components["schemas"]["KeyVersion"];
            /** @description For services only. */
            registrationMetadata?: string;
        };
        RegistrationList: {
            metadata: {
                /** @enum {string} */
                collectionType: "application/vnd.ibm.kms.registration+json";
                collectionTotal: number;
                /** @description Matches before `limit` and `offset`; present when asked for with `totalCount=true`. */
                totalCount?: number;
            };
            resources: components["schemas"]["Registration"][];
        };
        OneRegistration: {
            metadata: {
                /** @enum {string} */
                collectionType: "application/vnd.ibm.kms.registration+json";
                /** @enum {integer} */
                collectionTotal: 1;
            };
            resources: components["schemas"]["Registration"][];
        };
        RegistrationInput: {
            description?: string | null;
            registrationMetadata?: string | null;
            preventKeyDeletion?: boolean | null;
            /**
             * Format: uuid
             * @description On replace and update: newer than the registered version.
             */
            keyVersionId?: string | null;
        } & {
            [key: string]: unknown;
        };
        RegistrationEnvelope: {
            metadata: {
                /**
                 * @description Not checked.
                 * @example application/vnd.ibm.kms.registration_input+json
                 */
                collectionType?: string;
                /** @description Number of resources; when given it must be right. */
                collectionTotal?: number;
            } & {
                [key: string]: unknown;
            };
            resources: components["schemas"]["RegistrationInput"][];
        } & {
            [key: string]: unknown;
        };
        ResourceCrnEnvelope: {
            metadata: {
                /**
                 * @description Not checked.
                 * @example application/vnd.ibm.kms.resource_crn+json
                 */
                collectionType?: string;
                /** @description Number of resources; when given it must be right. */
                collectionTotal?: number;
            } & {
                [key: string]: unknown;
            };
            resources: ({
                resourceCrn: string;
            } & {
                [key: string]: unknown;
            })[];
        } & {
            [key: string]: unknown;
        };
        StoreVerification: {
            /** Format: date-time */
            checked_at: string;
            /** @description How many were looked at. */
            records: number;
            faults: number;
            /** @description Faults beyond the first 5,000, which are not listed. */
            unnamed: number;
            suspects: components["schemas"]["SuspectRecord"][];
            differences: components["schemas"]["RecordDifference"][];
        };
        SuspectRecord: {
            table: string;
            /**
             * Format: uuid
             * @description Absent for a record of the deployment.
             */
            instance_id?: string;
            /** @description Of the record; of a missing one that is known by a hash only, # and the hash. */
            id: string;
            /**
             * @description `forged`: never sealed with this content in this place. `old`: an earlier state, put back. `returned`: had been removed, put back. `newer`: sealed later than the unit remembers. `missing`: taken away. `damaged`: does not decode. `stray alias`: the alias index disagrees with the key's record, which counts.
             * @enum {string}
             */
            fault: "forged" | "old" | "returned" | "newer" | "missing" | "damaged" | "stray alias";
        };
        RecordDifference: {
            /**
             * Format: uuid
             * @description Absent for the records of the deployment.
             */
            instance_id?: string;
            forged: number;
            old: number;
            returned: number;
            newer: number;
            missing: number;
            /** @description What a quorum signs to accept the instance's records as they are, forged ones excepted. */
            difference: string;
        };
        /** @description Lower-case hex. */
        TransferDigest: string;
        Transfers: {
            outgoing: components["schemas"]["OutgoingTransfer"][];
            incoming: components["schemas"]["IncomingTransfer"][];
        };
        OutgoingTransfer: {
            id: components["schemas"]["Uuid"];
            target: components["schemas"]["Uuid"];
            expires: components["schemas"]["Timestamp"];
        };
        IncomingTransfer: {
            id: components["schemas"]["Uuid"];
            source: components["schemas"]["Uuid"];
            expires: components["schemas"]["Timestamp"];
            manifest?: components["schemas"]["TransferDigest"];
        };
        TransferChunkRequest: {
            /** @description Place of the chunk in the transfer. */
            index: number;
            /** @description `next` of the last answer; absent, null or empty for the first call. */
            after?: string | null;
        };
        TransferChunk: {
            index: number;
            /**
             * Format: byte
             * @description Base64; null when none of the keys that were looked at can go.
             */
            chunk: string | null;
            digest?: components["schemas"]["TransferDigest"];
            tag?: components["schemas"]["TransferDigest"];
            keys: components["schemas"]["ExportedKey"][];
            /**
             * Format: uuid
             * @description `after` of the next call; null: no keys are left.
             */
            next: string | null;
            left_out: components["schemas"]["LeftOutKey"][];
        };
        ExportedKey: {
            id: components["schemas"]["Uuid"];
            name: string;
            type: string;
            /** @description A standard key. */
            extractable: boolean;
            versions: number;
        };
        LeftOutKey: {
            id: components["schemas"]["Uuid"];
            /** @description Empty when it is not known. */
            name: string;
            /** @enum {string} */
            code: "KEY_RESTORE_EXPIRED" | "KEY_EXPIRED_ERR" | "RECORD_NOT_AUTHENTIC_ERR" | "INCOMPLETE_METADATA_ERR" | "REQUEST_TOO_LARGE_ERR";
            reason: string;
        };
        TransferManifestRequest: {
            /** @description In all chunks. */
            keys: number;
            chunks: components["schemas"]["TransferChunkProof"][];
        };
        TransferChunkProof: {
            digest: components["schemas"]["Sha256"];
            tag: components["schemas"]["Sha256"];
        };
        TransferManifest: {
            manifest: components["schemas"]["Base64"];
            digest: components["schemas"]["TransferDigest"];
        };
        TransferImportRequest: {
            /** Format: byte */
            manifest: string;
            index: number;
            /** Format: byte */
            chunk: string;
        };
        TransferImport: {
            keys: components["schemas"]["TransferredKey"][];
        };
        TransferredKey: {
            id: components["schemas"]["Uuid"];
            /** @description Empty when its record does not say. */
            name: string;
            /**
             * @description `present`: it was there with these versions, perhaps with later ones, and was left as it is.
             * @enum {string}
             */
            outcome: "imported" | "present" | "refused";
            /** @description Of a refusal: the error code that a call for this key alone would have. */
            code?: string;
            /** @description Why, and what to do. */
            message?: string;
        };
        UnitSealing: {
            /** @enum {string} */
            method: "file" | "passphrase" | "systemd-creds" | "pkcs11" | "tpm2" | "none";
            /** @description Which secret: a name, never the secret. */
            reference: string;
            /** @description How often the state was saved. */
            saves: number;
            /** @description Whether an older copy of the state put back would be noticed. */
            detects_old_state: boolean;
            advice: string;
        };
        UnitSealingChange: {
            /**
             * @description `file`: a key file. `passphrase`: Argon2id. `systemd-creds`: random bytes in a credential. `pkcs11`: a key in a token. `tpm2`: an object of the TPM. `none`: master keys are not kept at all.
             * @enum {string}
             */
            method: "file" | "passphrase" | "systemd-creds" | "pkcs11" | "tpm2" | "none";
            /** @description `passphrase` and `systemd-creds`: name of a credential. `pkcs11`: `token=LABEL;key=LABEL;pin=NAME`. `tpm2`: `pcrs=0,7;auth=NAME`, each optional. `file` and `none`: nothing. */
            reference?: string | null;
        };
    };
    responses: never;
    parameters: {
        /** @description Echoed in the answer and written to the audit log. Anything but a UUID is replaced by a new one. */
        CorrelationId: components["schemas"]["CorrelationId"];
        /** @description Id of the service instance. Missing, doubled or malformed: 400 without `reasons`. Unknown or foreign: 401. */
        Instance: components["schemas"]["Uuid"];
        /** @description A key ring. With one key: the ring it must be in, else it is not found. On create: where the key goes (absent: `default`). On lists: only this ring. Absent: every ring that the caller may see. Doubled: 400 without `reasons`. */
        KeyRing: string;
        /** @description `return=minimal` or `return=representation`; anything else is ignored. */
        Prefer: string;
        /** @description Id (UUID) or alias of the key. */
        KeyId: string;
        /** @description The alias. */
        Alias: components["schemas"]["Alias"];
        /** @description Id of the key ring. */
        Ring: components["schemas"]["RingId"];
        /** @description CRN of the registered resource, percent-encoded once or, as the Java SDK sends it, twice. It reaches at least to the segment of the service instance. */
        ResourceCrn: string;
        /** @description Largest number of resources in the answer. */
        Limit: number;
        /** @description Number of matches to leave out in front; beyond the end the answer is empty. */
        Offset: number;
        /** @description `true` adds `metadata.totalCount`. */
        TotalCount: boolean;
        /** @description The rest of the path, one segment or more. */
        ConsolePath: string;
        /** @description What only the console's own page sends: pages of other sites cannot without the server's consent. */
        ConsolePage: "1";
        /** @description States to list, with commas or repeated. Destroyed keys are listed only when asked for. */
        States: (0 | 1 | 2 | 3 | 5)[];
        /** @description `true`: standard keys only; `false`: root keys only. */
        Extractable: boolean;
        /** @description `[not:|exact:|escape:|alias:|name:]*text`: keys whose name or alias contains the text, ignoring case. `exact:` the whole text; `not:` the others; `escape:` ends the prefixes. A full key id finds that key too, and puts it first. One comma at the end is ignored (the Go client adds it). */
        Search: string;
        /** @description Comma list of id, state, extractable, imported, creationDate, lastUpdateDate, lastRotateDate, deletionDate, expirationDate; `-` in front: descending. Ties go by id. Absent dates come last, first when descending. */
        Sort: string;
        /** @description Conditions, all of which must hold, with blanks between them: `property=value` or `property=op:value` with `lt`, `lte`, `gt`, `gte`. Dates in double quotes, RFC 3339; `none`: the property is absent; a date without operator at midnight means the whole day. Properties: creationDate, lastUpdateDate, lastRotateDate, deletionDate, expirationDate (each at most three times), extractable, state. `state` and `extractable` may not be given both here and as parameters of their own. */
        Filter: string;
        /** @description Of the transfer, as the offer names it. */
        TransferId: components["schemas"]["Uuid"];
    };
    requestBodies: never;
    headers: {
        /** @description Names this call in the audit log: the caller's UUID or a new one. */
        CorrelationId: components["schemas"]["CorrelationId"];
        /** @description As with successes; absent when the request could not be read as HTTP. */
        CorrelationIdOfError: components["schemas"]["CorrelationId"];
        /** @description Seconds to wait before the next try. */
        RetryAfter: number;
        /** @description Number of keys that match. */
        KeyTotal: number;
        /** @description State of the registration, for `If-Match`; sent to services only. */
        RegistrationTag: string;
        /** @description The call itself would be refused from now on (address or network). */
        Warning: string;
        /** @description Changes when the document does. */
        DocumentTag: string;
        /** @description The page may load nothing and run nothing. */
        ContentSecurityPolicy: string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    createAlias: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
                /** @description The alias. */
                alias: components["parameters"]["Alias"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The alias. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.alias+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "keyId": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "alias": "payroll",
                     *           "createdBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "creationDate": "2026-01-02T03:04:05Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["OneAlias"];
                };
            };
        };
    };
    deleteAlias: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
                /** @description The alias. */
                alias: components["parameters"]["Alias"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Taken. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    listKeyRings: {
        parameters: {
            query?: {
                /** @description Largest number of resources in the answer. */
                limit?: number;
                /** @description Number of matches to leave out in front; beyond the end the answer is empty. */
                offset?: components["parameters"]["Offset"];
                /** @description `true` adds `metadata.totalCount`. */
                totalCount?: components["parameters"]["TotalCount"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.key_ring+json",
                     *         "collectionTotal": 2
                     *       },
                     *       "resources": [
                     *         {
                     *           "id": "default"
                     *         },
                     *         {
                     *           "id": "finance",
                     *           "creationDate": "2026-01-02T03:04:05Z",
                     *           "createdBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["KeyRingList"];
                };
            };
        };
    };
    createKeyRing: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the key ring. */
                ring: components["parameters"]["Ring"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Created. The body is empty: the Go client fails on any other. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deleteKeyRing: {
        parameters: {
            query?: {
                /** @description Destroyed keys move to `default`; needs the right to patch keys. A live key still prevents the deletion. */
                force?: boolean;
            };
            header?: never;
            path: {
                /** @description Id of the key ring. */
                ring: components["parameters"]["Ring"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    searchAuditRecords: {
        parameters: {
            query?: {
                /** @description Records of this moment or later. */
                from?: string;
                /** @description Records before this moment. */
                to?: string;
                /** @description Whole, or the beginning when it ends with `.` or `*`; `hs-crypto.` in front may be left out: `secrets.wrap`, `secrets.`, `tke-*`. */
                action?: string;
                /** @description How the call ended. */
                outcome?: "success" | "failure";
                /** @description How much it matters. */
                severity?: "normal" | "warning" | "critical";
                /** @description Part of the caller's id, name or address. Capital and small letters of ASCII are equal, here and in `target` and `text`. */
                initiator?: string;
                /** @description Part of the id of what was acted on. */
                target?: string;
                /** @description The id of an instance: calls in it, and calls about it. */
                instance?: string;
                /** @description The call's correlation id. */
                correlation_id?: string;
                /** @description Part of the event as it is written: names of members and values. */
                text?: string;
                /** @description Checkpoints too. */
                checkpoints?: "true" | "false";
                /** @description At most so many records. */
                limit?: number;
                /** @description Of the answer before, with the same filters: goes on where that ended. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "records": [
                     *         {
                     *           "stream": "loop-0",
                     *           "seq": 2,
                     *           "prev": "4df4abc5aea5ffe21341de874080791d1c1ab0f7459f90a69a1e25f8f7a3d00f",
                     *           "hash": "bc5350bcbda3e8edd41a499f2c87e98c669f84e12e557d7b3bf4cb6f0a463a5d",
                     *           "sealed": true,
                     *           "event": {
                     *             "eventTime": "2023-11-14T22:13:20Z",
                     *             "action": "hs-crypto.secrets.unwrap",
                     *             "outcome": "success",
                     *             "reason": {
                     *               "reasonCode": 200
                     *             },
                     *             "severity": "normal",
                     *             "initiator": {
                     *               "id": "iam-ServiceId-1"
                     *             },
                     *             "target": {
                     *               "typeURI": "hs-crypto/secrets"
                     *             }
                     *           }
                     *         }
                     *       ],
                     *       "complete": false,
                     *       "cursor": "AQIBAA",
                     *       "looked_back_to": "2023-11-14T22:13:20Z",
                     *       "records_read": 2,
                     *       "bytes_read": 964,
                     *       "findings": []
                     *     }
                     */
                    "application/json": components["schemas"]["AuditRecords"];
                };
            };
        };
    };
    getAuditStatus: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "health": "ok",
                     *       "streams": [
                     *         {
                     *           "stream": "checkpoint",
                     *           "seq": 1,
                     *           "hash": "3613c29dd060168a62a08cb341660ca82dfeff6b644ffc196273737ea4b4b5cc",
                     *           "segments": 1,
                     *           "bytes": 740
                     *         },
                     *         {
                     *           "stream": "loop-0",
                     *           "seq": 2,
                     *           "hash": "bc5350bcbda3e8edd41a499f2c87e98c669f84e12e557d7b3bf4cb6f0a463a5d",
                     *           "segments": 1,
                     *           "bytes": 964,
                     *           "sealed_seq": 2
                     *         }
                     *       ],
                     *       "unsealed_records": 0,
                     *       "sealed_at": "2023-11-14T22:13:20Z",
                     *       "check": {
                     *         "state": "none"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["AuditStatus"];
                };
            };
        };
    };
    startAuditCheck: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It runs. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "started": true,
                     *       "check": {
                     *         "state": "running",
                     *         "started_at": "2023-11-14T22:13:20Z",
                     *         "bytes_total": 2668,
                     *         "bytes_read": 0
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["AuditCheckStarted"];
                };
            };
        };
    };
    leadToConsole: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: never;
    };
    leadToConsoleHead: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: never;
    };
    getConsole: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
        };
    };
    headConsole: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page, without body. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    getConsoleFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The rest of the path, one segment or more. */
                path: components["parameters"]["ConsolePath"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file. Those with a hash in their name never change and may be kept for good. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                    "text/javascript": string;
                    "text/css": string;
                    "application/manifest+json": string;
                    "image/svg+xml": string;
                    "image/png": string;
                    "image/x-icon": string;
                    "font/woff2": string;
                    "font/woff": string;
                    "text/plain": string;
                    "application/octet-stream": string;
                };
            };
        };
    };
    headConsoleFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The rest of the path, one segment or more. */
                path: components["parameters"]["ConsolePath"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file, without body. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    getConsoleEnvironment: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The server's own page. `keyhaven console` answers `local` instead. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "mode": "server",
                     *       "version": "0.1.0",
                     *       "server": "https://keys.example.com",
                     *       "migrations": false
                     *     }
                     */
                    "application/json": components["schemas"]["ConsoleEnvironment"];
                };
            };
        };
    };
    startConsoleOidc: {
        parameters: {
            query?: {
                /** @description Path of the console to come back to; its start when absent or no such path. */
                return?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: never;
    };
    finishConsoleOidc: {
        parameters: {
            query?: {
                /** @description As the log-in began. */
                state?: string;
                /** @description What the server exchanges for an ID token. */
                code?: string;
                /** @description The provider (RFC 9207); when present it must be ours. */
                iss?: string;
                /** @description Why there is no code. */
                error?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: never;
    };
    getConsoleSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Whose session, or whose bearer token, it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "iam-ServiceId-2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *       "name": "administrator",
                     *       "kind": "serviceid",
                     *       "account": "0123456789abcdef0123456789abcdef",
                     *       "expires_at": "2026-01-02T03:04:05Z"
                     *     }
                     */
                    "application/json": components["schemas"]["ConsoleSession"];
                };
            };
        };
    };
    createConsoleSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "apikey": "the API key"
                 *     }
                 */
                "application/json": components["schemas"]["ConsoleLogin"];
            };
        };
        responses: {
            /** @description Logged in. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsoleSession"];
                };
            };
        };
    };
    deleteConsoleSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Logged out. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    createToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "grant_type": "urn:ibm:params:oauth:grant-type:apikey",
                 *       "apikey": "the API key"
                 *     }
                 */
                "application/x-www-form-urlencoded": components["schemas"]["TokenRequest"];
            };
        };
        responses: {
            /** @description A token for an hour, unless the server is set otherwise. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
        };
    };
    createTokenOidc: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "grant_type": "urn:ibm:params:oauth:grant-type:apikey",
                 *       "apikey": "the API key"
                 *     }
                 */
                "application/x-www-form-urlencoded": components["schemas"]["TokenRequest"];
            };
        };
        responses: {
            /** @description A token for an hour, unless the server is set otherwise. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
        };
    };
    getTokenKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The keys. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeySet"];
                };
            };
        };
    };
    getTokenKeysWellKnown: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The keys. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeySet"];
                };
            };
        };
    };
    listIdentities: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IdentityList"];
                };
            };
        };
    };
    createIdentity: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "payroll"
                 *     }
                 */
                "application/json": components["schemas"]["NewIdentity"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *       "iam_id": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *       "name": "payroll",
                     *       "type": "serviceid",
                     *       "created_at": "2026-01-02T03:04:05Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Identity"];
                };
            };
        };
    };
    deleteIdentity: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    updateIdentity: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "oidc_subject": "248289761001"
                 *     }
                 */
                "application/json": components["schemas"]["IdentityUpdate"];
            };
        };
        responses: {
            /** @description As it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Identity"];
                };
            };
        };
    };
    listApiKeys: {
        parameters: {
            query?: {
                /** @description Only those of this identity. */
                iam_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKeyList"];
                };
            };
        };
    };
    createApiKey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "laptop",
                 *       "iam_id": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11"
                 *     }
                 */
                "application/json": components["schemas"]["ApiKeyRequest"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "ApiKey-6b0e4d5a",
                     *       "iam_id": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *       "name": "laptop",
                     *       "apikey": "shown here and never again",
                     *       "locked": false,
                     *       "created_at": "2026-01-02T03:04:05Z"
                     *     }
                     */
                    "application/json": components["schemas"]["NewApiKey"];
                };
            };
        };
    };
    deleteApiKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    listAccessPolicies: {
        parameters: {
            query?: {
                /** @description Only those of this identity. */
                iam_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccessPolicyList"];
                };
            };
        };
    };
    createAccessPolicy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "subjects": [
                 *         {
                 *           "attributes": [
                 *             {
                 *               "name": "iam_id",
                 *               "value": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11"
                 *             }
                 *           ]
                 *         }
                 *       ],
                 *       "roles": [
                 *         {
                 *           "display_name": "Writer"
                 *         }
                 *       ],
                 *       "resources": [
                 *         {
                 *           "attributes": [
                 *             {
                 *               "name": "serviceInstance",
                 *               "value": "9d29f0ad-2b8e-4b71-8e38-2a8f2a1c7d10"
                 *             }
                 *           ]
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["NewAccessPolicy"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccessPolicy"];
                };
            };
        };
    };
    deleteAccessPolicy: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    getImportToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The token and its public key. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *       "expiration": 1200,
                     *       "creationDate": "2026-01-02T03:04:05Z",
                     *       "expirationDate": "2026-01-02T03:24:05Z",
                     *       "maxAllowedRetrievals": 1,
                     *       "remainingRetrievals": 0,
                     *       "payload": "LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0K",
                     *       "nonce": "AAECAwQFBgcICQoL"
                     *     }
                     */
                    "application/json": components["schemas"]["ImportTokenWithKey"];
                };
            };
        };
    };
    createImportToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "expiration": 1200,
                 *       "maxAllowedRetrievals": 1
                 *     }
                 */
                "application/json": components["schemas"]["ImportTokenRequest"];
            };
        };
        responses: {
            /** @description The token, without its key. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *       "expiration": 1200,
                     *       "creationDate": "2026-01-02T03:04:05Z",
                     *       "expirationDate": "2026-01-02T03:24:05Z",
                     *       "maxAllowedRetrievals": 1,
                     *       "remainingRetrievals": 1
                     *     }
                     */
                    "application/json": components["schemas"]["ImportToken"];
                };
            };
        };
    };
    listInstances: {
        parameters: {
            query?: {
                /** @description Largest number of resources in the answer. */
                limit?: number;
                /** @description Where the page begins. */
                start?: number;
                /** @description Only those with this value; empty: all. */
                guid?: string;
                /** @description Only those with this value; empty: all. */
                name?: string;
                /** @description Only those with this value; empty: all. */
                state?: string;
                /** @description Only those with this value; empty: all. */
                resource_plan_id?: string;
                /** @description Only those with this value; empty: all. */
                resource_id?: string;
                /** @description Only those with this value; empty: all. */
                resource_group_id?: string;
                /** @description Only those with this value; empty: all. */
                type?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceInstanceList"];
                };
            };
        };
    };
    createInstance: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "payroll",
                 *       "resource_plan_id": "standard",
                 *       "parameters": {
                 *         "units": 2
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["NewServiceInstance"];
            };
        };
        responses: {
            /** @description Created. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceInstance"];
                };
            };
        };
    };
    getInstance: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or percent-encoded CRN of the instance. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The instance. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceInstance"];
                };
            };
        };
    };
    deleteInstance: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or percent-encoded CRN of the instance. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    updateInstance: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or percent-encoded CRN of the instance. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "name": "payroll-2"
                 *     }
                 */
                "application/json": components["schemas"]["ServiceInstanceChange"];
            };
        };
        responses: {
            /** @description The instance, changed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceInstance"];
                };
            };
        };
    };
    getEndpoints: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or percent-encoded CRN of the instance. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Where it is served. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "instance_id": "9d29f0ad-2b8e-4b71-8e38-2a8f2a1c7d10",
                     *       "kms": {
                     *         "public": "localhost:8443",
                     *         "private": "localhost:8443"
                     *       },
                     *       "ep11": {
                     *         "public": "",
                     *         "private": ""
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Endpoints"];
                };
            };
        };
    };
    getFirstEndpoints: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or percent-encoded CRN of the instance. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Where it is served. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FirstEndpoints"];
                };
            };
        };
    };
    listCryptoUnits: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The units. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CryptoUnitList"];
                };
            };
        };
    };
    administerCryptoUnit: {
        parameters: {
            query?: {
                /** @description `true`: zeroizing, and clearing the current register, may make stored keys unreadable for good. Does not matter to other frames. */
                accept_key_loss?: boolean;
            };
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
                /** @description Id of the crypto unit. */
                hsm: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FrameRequest"];
            };
        };
        responses: {
            /** @description The frame of the unit. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FrameAnswer"];
                };
            };
        };
    };
    getAttestationRoot: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A P-521 public key. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AttestationRoot"];
                };
            };
        };
    };
    wrapKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "plaintext": "tF9ss0W9HQUVkddcjSeGg/MqZFs2CVh/FFKLPLLnOwY=",
                 *       "aad": [
                 *         "tenant 7"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["WrapRequest"];
            };
        };
        responses: {
            /** @description The wrapped DEK. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "ciphertext": "S0hXMQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A=",
                     *       "keyVersion": {
                     *         "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["WrapAnswer"];
                };
            };
        };
    };
    unwrapKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "ciphertext": "S0hXMQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A=",
                 *       "aad": [
                 *         "tenant 7"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["UnwrapRequest"];
            };
        };
        responses: {
            /** @description The DEK. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "plaintext": "tF9ss0W9HQUVkddcjSeGg/MqZFs2CVh/FFKLPLLnOwY=",
                     *       "keyVersion": {
                     *         "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["UnwrapAnswer"];
                };
            };
        };
    };
    rewrapKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "ciphertext": "S0hXMQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A=",
                 *       "aad": [
                 *         "tenant 7"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["UnwrapRequest"];
            };
        };
        responses: {
            /** @description The DEK, wrapped by the newest version. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "ciphertext": "S0hXMQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A=",
                     *       "keyVersion": {
                     *         "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2"
                     *       },
                     *       "rewrappedKeyVersion": {
                     *         "id": "a7c5c1f2-90d1-4a53-a1f4-1ad1a5a4a9f0"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["RewrapAnswer"];
                };
            };
        };
    };
    rotateKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Material"];
            };
        };
        responses: {
            /** @description Rotated. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    disableKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["NoParameters"];
            };
        };
        responses: {
            /** @description Suspended. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    enableKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["NoParameters"];
            };
        };
        responses: {
            /** @description Active. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    setKeyForDeletion: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["NoParameters"];
            };
        };
        responses: {
            /** @description Authorised. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    unsetKeyForDeletion: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["NoParameters"];
            };
        };
        responses: {
            /** @description Withdrawn. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    syncKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["NoParameters"];
            };
        };
        responses: {
            /** @description Notified; without registrations there was nothing to do. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    listKeys: {
        parameters: {
            query?: {
                /** @description Largest number of resources in the answer. */
                limit?: components["parameters"]["Limit"];
                /** @description Number of matches to leave out in front; beyond the end the answer is empty. */
                offset?: components["parameters"]["Offset"];
                /** @description States to list, with commas or repeated. Destroyed keys are listed only when asked for. */
                state?: components["parameters"]["States"];
                /** @description `true`: standard keys only; `false`: root keys only. */
                extractable?: components["parameters"]["Extractable"];
                /** @description `[not:|exact:|escape:|alias:|name:]*text`: keys whose name or alias contains the text, ignoring case. `exact:` the whole text; `not:` the others; `escape:` ends the prefixes. A full key id finds that key too, and puts it first. One comma at the end is ignored (the Go client adds it). */
                search?: components["parameters"]["Search"];
                /** @description Comma list of id, state, extractable, imported, creationDate, lastUpdateDate, lastRotateDate, deletionDate, expirationDate; `-` in front: descending. Ties go by id. Absent dates come last, first when descending. */
                sort?: components["parameters"]["Sort"];
                /** @description Conditions, all of which must hold, with blanks between them: `property=value` or `property=op:value` with `lt`, `lte`, `gt`, `gte`. Dates in double quotes, RFC 3339; `none`: the property is absent; a date without operator at midnight means the whole day. Properties: creationDate, lastUpdateDate, lastRotateDate, deletionDate, expirationDate (each at most three times), extractable, state. `state` and `extractable` may not be given both here and as parameters of their own. */
                filter?: components["parameters"]["Filter"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.key+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "type": "application/vnd.ibm.kms.key+json",
                     *           "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "name": "payroll-root",
                     *           "aliases": [
                     *             "payroll"
                     *           ],
                     *           "state": 1,
                     *           "extractable": false,
                     *           "crn": "crn:v1:bluemix:public:hs-crypto:local:a/00112233445566778899aabbccddeeff:9d29f0ad-2b8e-4b71-8e38-2a8f2a1c7d10:key:2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "imported": false,
                     *           "keyRingID": "default",
                     *           "creationDate": "2026-01-02T03:04:05Z",
                     *           "createdBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "algorithmType": "AES",
                     *           "algorithmMetadata": {
                     *             "bitLength": "256",
                     *             "mode": "CBC_PAD"
                     *           },
                     *           "algorithmBitSize": 256,
                     *           "algorithmMode": "CBC_PAD",
                     *           "keyVersion": {
                     *             "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *             "creationDate": "2026-01-02T03:04:05Z"
                     *           },
                     *           "dualAuthDelete": {
                     *             "enabled": false
                     *           },
                     *           "deleted": false,
                     *           "lastUpdateDate": "2026-01-02T03:04:05Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["KeyList"];
                };
            };
        };
    };
    createKey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "metadata": {
                 *         "collectionType": "application/vnd.ibm.kms.key+json",
                 *         "collectionTotal": 1
                 *       },
                 *       "resources": [
                 *         {
                 *           "type": "application/vnd.ibm.kms.key+json",
                 *           "name": "payroll-root",
                 *           "extractable": false,
                 *           "aliases": [
                 *             "payroll"
                 *           ]
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["NewKeyEnvelope"];
            };
        };
        responses: {
            /** @description Created. `Prefer: return=minimal`: the name of the key only. `return=representation`: with the payload of a standard key. Else: the key without payload. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.key+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "type": "application/vnd.ibm.kms.key+json",
                     *           "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "name": "payroll-root",
                     *           "aliases": [
                     *             "payroll"
                     *           ],
                     *           "state": 1,
                     *           "extractable": false,
                     *           "crn": "crn:v1:bluemix:public:hs-crypto:local:a/00112233445566778899aabbccddeeff:9d29f0ad-2b8e-4b71-8e38-2a8f2a1c7d10:key:2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "imported": false,
                     *           "keyRingID": "default",
                     *           "creationDate": "2026-01-02T03:04:05Z",
                     *           "createdBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "algorithmType": "AES",
                     *           "algorithmMetadata": {
                     *             "bitLength": "256",
                     *             "mode": "CBC_PAD"
                     *           },
                     *           "algorithmBitSize": 256,
                     *           "algorithmMode": "CBC_PAD",
                     *           "keyVersion": {
                     *             "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *             "creationDate": "2026-01-02T03:04:05Z"
                     *           },
                     *           "dualAuthDelete": {
                     *             "enabled": false
                     *           },
                     *           "deleted": false
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["OneKeyWithPayload"] | components["schemas"]["OneKeyName"];
                };
            };
        };
    };
    countKeys: {
        parameters: {
            query?: {
                /** @description Largest number of resources in the answer. */
                limit?: components["parameters"]["Limit"];
                /** @description Number of matches to leave out in front; beyond the end the answer is empty. */
                offset?: components["parameters"]["Offset"];
                /** @description States to list, with commas or repeated. Destroyed keys are listed only when asked for. */
                state?: components["parameters"]["States"];
                /** @description `true`: standard keys only; `false`: root keys only. */
                extractable?: components["parameters"]["Extractable"];
                /** @description `[not:|exact:|escape:|alias:|name:]*text`: keys whose name or alias contains the text, ignoring case. `exact:` the whole text; `not:` the others; `escape:` ends the prefixes. A full key id finds that key too, and puts it first. One comma at the end is ignored (the Go client adds it). */
                search?: components["parameters"]["Search"];
                /** @description Comma list of id, state, extractable, imported, creationDate, lastUpdateDate, lastRotateDate, deletionDate, expirationDate; `-` in front: descending. Ties go by id. Absent dates come last, first when descending. */
                sort?: components["parameters"]["Sort"];
                /** @description Conditions, all of which must hold, with blanks between them: `property=value` or `property=op:value` with `lt`, `lte`, `gt`, `gte`. Dates in double quotes, RFC 3339; `none`: the property is absent; a date without operator at midnight means the whole day. Properties: creationDate, lastUpdateDate, lastRotateDate, deletionDate, expirationDate (each at most three times), extractable, state. `state` and `extractable` may not be given both here and as parameters of their own. */
                filter?: components["parameters"]["Filter"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The number is in the header. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    createKeyWithPolicyOverrides: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "metadata": {
                 *         "collectionType": "application/vnd.ibm.kms.key+json",
                 *         "collectionTotal": 1
                 *       },
                 *       "resources": [
                 *         {
                 *           "type": "application/vnd.ibm.kms.key+json",
                 *           "name": "payroll-root",
                 *           "extractable": false,
                 *           "rotation": {
                 *             "enabled": true,
                 *             "interval_month": 3
                 *           },
                 *           "dualAuthDelete": {
                 *             "enabled": false
                 *           }
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["NewKeyWithPoliciesEnvelope"];
            };
        };
        responses: {
            /** @description Created. `Prefer: return=minimal`: the name of the key only. `return=representation`: with the payload of a standard key. Else: the key without payload. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.key+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "type": "application/vnd.ibm.kms.key+json",
                     *           "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "name": "payroll-root",
                     *           "aliases": [
                     *             "payroll"
                     *           ],
                     *           "state": 1,
                     *           "extractable": false,
                     *           "crn": "crn:v1:bluemix:public:hs-crypto:local:a/00112233445566778899aabbccddeeff:9d29f0ad-2b8e-4b71-8e38-2a8f2a1c7d10:key:2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "imported": false,
                     *           "keyRingID": "default",
                     *           "creationDate": "2026-01-02T03:04:05Z",
                     *           "createdBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "algorithmType": "AES",
                     *           "algorithmMetadata": {
                     *             "bitLength": "256",
                     *             "mode": "CBC_PAD"
                     *           },
                     *           "algorithmBitSize": 256,
                     *           "algorithmMode": "CBC_PAD",
                     *           "keyVersion": {
                     *             "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *             "creationDate": "2026-01-02T03:04:05Z"
                     *           },
                     *           "dualAuthDelete": {
                     *             "enabled": false
                     *           },
                     *           "deleted": false
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["OneKeyWithPayload"] | components["schemas"]["OneKeyName"];
                };
            };
        };
    };
    getKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The key. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.key+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "type": "application/vnd.ibm.kms.key+json",
                     *           "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "name": "payroll-root",
                     *           "aliases": [
                     *             "payroll"
                     *           ],
                     *           "state": 1,
                     *           "extractable": false,
                     *           "crn": "crn:v1:bluemix:public:hs-crypto:local:a/00112233445566778899aabbccddeeff:9d29f0ad-2b8e-4b71-8e38-2a8f2a1c7d10:key:2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "imported": false,
                     *           "keyRingID": "default",
                     *           "creationDate": "2026-01-02T03:04:05Z",
                     *           "createdBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "algorithmType": "AES",
                     *           "algorithmMetadata": {
                     *             "bitLength": "256",
                     *             "mode": "CBC_PAD"
                     *           },
                     *           "algorithmBitSize": 256,
                     *           "algorithmMode": "CBC_PAD",
                     *           "keyVersion": {
                     *             "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *             "creationDate": "2026-01-02T03:04:05Z"
                     *           },
                     *           "dualAuthDelete": {
                     *             "enabled": false
                     *           },
                     *           "deleted": false,
                     *           "lastUpdateDate": "2026-01-02T03:04:05Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["OneKeyWithPayload"];
                };
            };
        };
    };
    legacyKeyAction: {
        parameters: {
            query: {
                /** @description What to do. */
                action: "wrap" | "unwrap" | "rewrap" | "rotate" | "disable" | "enable" | "restore" | "setKeyForDeletion" | "unsetKeyForDeletion";
            };
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["WrapRequest"] | components["schemas"]["UnwrapRequest"] | components["schemas"]["Material"] | components["schemas"]["RestoreRequest"];
            };
        };
        responses: {
            /** @description wrap, unwrap, rewrap. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WrapAnswer"] | components["schemas"]["UnwrapAnswer"] | components["schemas"]["RewrapAnswer"];
                };
            };
            /** @description restore. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OneKey"];
                };
            };
            /** @description The other actions. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deleteKey: {
        parameters: {
            query?: {
                /** @description Delete although registrations exist. Registrations that prevent deletion still do. */
                force?: boolean;
            };
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted; for `Prefer: return=representation`. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OneKey"];
                };
            };
            /** @description Deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    patchKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "keyRingID": "finance"
                 *     }
                 */
                "application/json": components["schemas"]["KeyPatch"];
            };
        };
        responses: {
            /** @description The key, moved. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OneKey"];
                };
            };
        };
    };
    getKeyMetadata: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The key. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.key+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "type": "application/vnd.ibm.kms.key+json",
                     *           "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "name": "payroll-root",
                     *           "aliases": [
                     *             "payroll"
                     *           ],
                     *           "state": 1,
                     *           "extractable": false,
                     *           "crn": "crn:v1:bluemix:public:hs-crypto:local:a/00112233445566778899aabbccddeeff:9d29f0ad-2b8e-4b71-8e38-2a8f2a1c7d10:key:2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "imported": false,
                     *           "keyRingID": "default",
                     *           "creationDate": "2026-01-02T03:04:05Z",
                     *           "createdBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "algorithmType": "AES",
                     *           "algorithmMetadata": {
                     *             "bitLength": "256",
                     *             "mode": "CBC_PAD"
                     *           },
                     *           "algorithmBitSize": 256,
                     *           "algorithmMode": "CBC_PAD",
                     *           "keyVersion": {
                     *             "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *             "creationDate": "2026-01-02T03:04:05Z"
                     *           },
                     *           "dualAuthDelete": {
                     *             "enabled": false
                     *           },
                     *           "deleted": false,
                     *           "lastUpdateDate": "2026-01-02T03:04:05Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["OneKey"];
                };
            };
        };
    };
    purgeKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Purged; for `Prefer: return=representation`. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OneKey"];
                };
            };
            /** @description Purged. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    restoreKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RestoreRequest"];
            };
        };
        responses: {
            /** @description The key, active. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OneKey"];
                };
            };
        };
    };
    listKeyVersions: {
        parameters: {
            query?: {
                /** @description Largest number of resources in the answer. */
                limit?: components["parameters"]["Limit"];
                /** @description Number of matches to leave out in front; beyond the end the answer is empty. */
                offset?: components["parameters"]["Offset"];
                /** @description `true` adds `metadata.totalCount`. */
                totalCount?: components["parameters"]["TotalCount"];
                /** @description `true`: also when the key is not active. */
                allKeyStates?: boolean;
            };
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.key.version+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "creationDate": "2026-01-02T03:04:05Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["KeyVersionList"];
                };
            };
        };
    };
    getMasterKeyRotation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The rotation. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MasterKeyRotation"];
                };
            };
        };
    };
    startMasterKeyRotation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The rotation is under way. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MasterKeyRotation"];
                };
            };
        };
    };
    abandonMasterKeyRotation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The stored keys go back. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MasterKeyRotation"];
                };
            };
        };
    };
    recordMigrationReport: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "plan_id": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
                 *       "report_sha256": "3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b",
                 *       "plan_sha256": "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
                 *       "journal_sha256": "2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a",
                 *       "result": "verified",
                 *       "source_instance": "11111111-2222-4333-8444-555555555555"
                 *     }
                 */
                "application/json": components["schemas"]["MigrationReport"];
            };
        };
        responses: {
            /** @description The audit receipt. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditReceipt"];
                };
            };
        };
    };
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It does. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "alive"
                     *     }
                     */
                    "application/json": components["schemas"]["Alive"];
                };
            };
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It can. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ready",
                     *       "causes": {
                     *         "unit": "ok",
                     *         "store": "ok",
                     *         "audit": "ok",
                     *         "master_key_rotation": "ok",
                     *         "records": "ok"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Readiness"];
                };
            };
        };
    };
    getAuditPublicKey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The key. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditPublicKey"];
                };
            };
        };
    };
    createAuditCheckpoint: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Signed. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    getGovernanceConfigs: {
        parameters: {
            query?: {
                /** @description Returned as it came. */
                config_request_id?: string;
                /** @description Only this account. */
                account_id?: string;
                /** @description What to describe. */
                resource_kind?: "instance" | "key";
                /** @description Only this instance. */
                service_instance_crn?: string;
                /** @description Only this resource group. */
                resource_group_id?: string;
                /** @description Largest number of resources in the answer. */
                limit?: components["parameters"]["Limit"];
                /** @description Number of matches to leave out in front; beyond the end the answer is empty. */
                offset?: components["parameters"]["Offset"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The configuration. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GovernanceConfigs"];
                };
            };
        };
    };
    getMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The metrics. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    getDocumentPage: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
        };
    };
    getDocument: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The document. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
        };
    };
    getPermissions: {
        parameters: {
            query?: {
                /** @description Id of an instance. */
                instance?: components["schemas"]["Uuid"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What the caller may do. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "account": [],
                     *       "instance": {
                     *         "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *         "actions": [
                     *           "secrets.list",
                     *           "secrets.wrap"
                     *         ],
                     *         "parts": [
                     *           {
                     *             "places": [
                     *               {
                     *                 "key_ring": "payroll"
                     *               }
                     *             ],
                     *             "actions": [
                     *               "secrets.create",
                     *               "secrets.list",
                     *               "secrets.wrap"
                     *             ]
                     *           }
                     *         ]
                     *       },
                     *       "requirements": [
                     *         {
                     *           "roles": [
                     *             "Writer",
                     *             "Manager"
                     *           ],
                     *           "actions": [
                     *             "secrets.create"
                     *           ]
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Permissions"];
                };
            };
        };
    };
    getKeyPolicies: {
        parameters: {
            query?: {
                /** @description Only this policy. */
                policy?: "rotation" | "dualAuthDelete";
            };
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The policies, by type. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.policy+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "type": "application/vnd.ibm.kms.policy+json",
                     *           "crn": "crn:v1:bluemix:public:hs-crypto:local:a/00112233445566778899aabbccddeeff:9d29f0ad-2b8e-4b71-8e38-2a8f2a1c7d10:policy:5b1f2c9e-8a77-4a52-9d2c-0a6f9f3f7a10",
                     *           "createdBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "creationDate": "2026-01-02T03:04:05Z",
                     *           "updatedBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "lastUpdateDate": "2026-01-02T03:04:05Z",
                     *           "rotation": {
                     *             "enabled": true,
                     *             "interval_month": 3
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["KeyPolicyList"];
                };
            };
        };
    };
    setKeyPolicies: {
        parameters: {
            query?: {
                /** @description Only this policy. */
                policy?: "rotation" | "dualAuthDelete";
            };
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "metadata": {
                 *         "collectionType": "application/vnd.ibm.kms.policy+json",
                 *         "collectionTotal": 1
                 *       },
                 *       "resources": [
                 *         {
                 *           "type": "application/vnd.ibm.kms.policy+json",
                 *           "rotation": {
                 *             "interval_month": 3
                 *           }
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["KeyPolicyEnvelope"];
            };
        };
        responses: {
            /** @description The policies of the request, complete, in its order. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.policy+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "type": "application/vnd.ibm.kms.policy+json",
                     *           "crn": "crn:v1:bluemix:public:hs-crypto:local:a/00112233445566778899aabbccddeeff:9d29f0ad-2b8e-4b71-8e38-2a8f2a1c7d10:policy:5b1f2c9e-8a77-4a52-9d2c-0a6f9f3f7a10",
                     *           "createdBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "creationDate": "2026-01-02T03:04:05Z",
                     *           "updatedBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "lastUpdateDate": "2026-01-02T03:04:05Z",
                     *           "rotation": {
                     *             "enabled": true,
                     *             "interval_month": 3
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["KeyPolicyList"];
                };
            };
        };
    };
    getInstancePolicies: {
        parameters: {
            query?: {
                /** @description Only this policy; `ipWhitelist` is the old name of `allowedIP`. */
                policy?: "dualAuthDelete" | "allowedNetwork" | "allowedIP" | "metrics" | "keyCreateImportAccess" | "rotation" | "ipWhitelist";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The policies, by type. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.policy+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "creationDate": "2026-01-02T03:04:05Z",
                     *           "createdBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "updatedBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "lastUpdated": "2026-01-02T03:04:05Z",
                     *           "policy_type": "keyCreateImportAccess",
                     *           "policy_data": {
                     *             "enabled": true,
                     *             "attributes": {
                     *               "create_root_key": true,
                     *               "create_standard_key": true,
                     *               "import_root_key": true,
                     *               "import_standard_key": false,
                     *               "enforce_token": false
                     *             }
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["InstancePolicyList"];
                };
            };
        };
    };
    setInstancePolicies: {
        parameters: {
            query?: {
                /** @description Only this policy; `ipWhitelist` is the old name of `allowedIP`. */
                policy?: "dualAuthDelete" | "allowedNetwork" | "allowedIP" | "metrics" | "keyCreateImportAccess" | "rotation" | "ipWhitelist";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "metadata": {
                 *         "collectionType": "application/vnd.ibm.kms.policy+json",
                 *         "collectionTotal": 1
                 *       },
                 *       "resources": [
                 *         {
                 *           "policy_type": "dualAuthDelete",
                 *           "policy_data": {
                 *             "enabled": true
                 *           }
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["InstancePolicyEnvelope"];
            };
        };
        responses: {
            /** @description Set. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    getAllowedIpPort: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The port. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.allowed_ip_metadata+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "private_endpoint_port": 8443
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["AllowedIpPort"];
                };
            };
        };
    };
    listProposals: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The proposals. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProposalList"];
                };
            };
        };
    };
    createProposal: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProposalRequest"];
            };
        };
        responses: {
            /** @description The proposal, decoded. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Proposal"];
                };
            };
        };
    };
    getProposal: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
                /** @description Id of the proposal. */
                proposal: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The proposal. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Proposal"];
                };
            };
        };
    };
    deleteProposal: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
                /** @description Id of the proposal. */
                proposal: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    signProposal: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
                /** @description Id of the proposal. */
                proposal: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProposalSignatureRequest"];
            };
        };
        responses: {
            /** @description The proposal. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Proposal"];
                };
            };
        };
    };
    sendProposal: {
        parameters: {
            query?: {
                /** @description `true`: zeroizing, and clearing the current register, may make stored keys unreadable for good. Does not matter to other commands. */
                accept_key_loss?: boolean;
            };
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
                /** @description Id of the proposal. */
                proposal: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The proposal with the unit's answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SentProposal"];
                };
            };
        };
    };
    getTranscript: {
        parameters: {
            query?: {
                /** @description The sequence to begin with. For the newest N: `last` - N + 1. */
                start?: number;
                /** @description At most so many entries. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description Id of the instance. */
                instance: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Entries in order. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transcript"];
                };
            };
        };
    };
    listLifecycleEvents: {
        parameters: {
            query?: {
                /** @description Largest number of resources in the answer. */
                limit?: components["parameters"]["Limit"];
                /** @description Number of matches to leave out in front; beyond the end the answer is empty. */
                offset?: components["parameters"]["Offset"];
                /** @description `true` adds `metadata.totalCount`. */
                totalCount?: components["parameters"]["TotalCount"];
                /** @description `true`: those that are acknowledged, instead; they are kept until 30 days after their deadline. */
                acknowledged?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.keyhaven.lifecycle_event+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "id": "5b1f2c9e-8a77-4a52-9d2c-0a6f9f3f7a10",
                     *           "kind": "rotate",
                     *           "keyId": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "keyVersion": {
                     *             "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2"
                     *           },
                     *           "resourceCrn": "crn:v1:bluemix:public:cloud-object-storage:global:a/00112233445566778899aabbccddeeff:7d3a1c55-3f1e-4a51-8f9e-0c8c2d6f4e21:bucket:payroll",
                     *           "creationDate": "2026-01-02T03:04:05Z",
                     *           "deadline": "2026-01-02T07:04:05Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["LifecycleEventList"];
                };
            };
        };
    };
    acknowledgeEvent: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "metadata": {
                 *         "collectionType": "application/vnd.ibm.kms.event_acknowledge+json",
                 *         "collectionTotal": 1
                 *       },
                 *       "resources": [
                 *         {
                 *           "eventId": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                 *           "adopterKeyState": "DEK_ENABLED",
                 *           "timestamp": "2026-01-02T03:04:05Z",
                 *           "keyStateData": {
                 *             "rewrappedKeyVersion": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2"
                 *           }
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["EventAcknowledgementEnvelope"];
            };
        };
        responses: {
            /** @description Acknowledged. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    getMigrationIntent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The intent. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.migration_intent+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "id": "5b1f2c9e-8a77-4a52-9d2c-0a6f9f3f7a10",
                     *           "sourceCRK": "crn:v1:bluemix:public:hs-crypto:local:a/00112233445566778899aabbccddeeff:9d29f0ad-2b8e-4b71-8e38-2a8f2a1c7d10:key:2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "targetCRK": "crn:v1:bluemix:public:hs-crypto:local:a/00112233445566778899aabbccddeeff:9d29f0ad-2b8e-4b71-8e38-2a8f2a1c7d10:key:a7c5c1f2-90d1-4a53-a1f4-1ad1a5a4a9f0",
                     *           "creationDate": "2026-01-02T03:04:05Z",
                     *           "createdBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["OneMigrationIntent"];
                };
            };
        };
    };
    createMigrationIntent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "metadata": {
                 *         "collectionType": "application/vnd.ibm.kms.migration_intent_input+json",
                 *         "collectionTotal": 1
                 *       },
                 *       "resources": [
                 *         {
                 *           "targetCRK": "crn:v1:bluemix:public:hs-crypto:local:a/00112233445566778899aabbccddeeff:9d29f0ad-2b8e-4b71-8e38-2a8f2a1c7d10:key:a7c5c1f2-90d1-4a53-a1f4-1ad1a5a4a9f0"
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["MigrationIntentEnvelope"];
            };
        };
        responses: {
            /** @description The intent. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.migration_intent+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "id": "5b1f2c9e-8a77-4a52-9d2c-0a6f9f3f7a10",
                     *           "sourceCRK": "crn:v1:bluemix:public:hs-crypto:local:a/00112233445566778899aabbccddeeff:9d29f0ad-2b8e-4b71-8e38-2a8f2a1c7d10:key:2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "targetCRK": "crn:v1:bluemix:public:hs-crypto:local:a/00112233445566778899aabbccddeeff:9d29f0ad-2b8e-4b71-8e38-2a8f2a1c7d10:key:a7c5c1f2-90d1-4a53-a1f4-1ad1a5a4a9f0",
                     *           "creationDate": "2026-01-02T03:04:05Z",
                     *           "createdBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["OneMigrationIntent"];
                };
            };
        };
    };
    deleteMigrationIntent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    listRegistrations: {
        parameters: {
            query?: {
                /** @description Largest number of resources in the answer. */
                limit?: components["parameters"]["Limit"];
                /** @description Number of matches to leave out in front; beyond the end the answer is empty. */
                offset?: components["parameters"]["Offset"];
                /** @description A CRN of ten segments; `*` stands for a whole segment, `text*` in the last one for a beginning. */
                urlEncodedResourceCRNQuery?: string;
                /** @description Only registrations with this setting. */
                preventKeyDeletion?: boolean;
                /** @description `true` adds `metadata.totalCount`. */
                totalCount?: components["parameters"]["TotalCount"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.registration+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "keyId": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "keyName": "payroll-root",
                     *           "resourceCrn": "crn:v1:bluemix:public:cloud-object-storage:global:a/00112233445566778899aabbccddeeff:7d3a1c55-3f1e-4a51-8f9e-0c8c2d6f4e21:bucket:payroll",
                     *           "createdBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "creationDate": "2026-01-02T03:04:05Z",
                     *           "updatedBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "lastUpdated": "2026-01-02T03:04:05Z",
                     *           "preventKeyDeletion": true,
                     *           "keyVersion": {
                     *             "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *             "creationDate": "2026-01-02T03:04:05Z"
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["RegistrationList"];
                };
            };
        };
    };
    listKeyRegistrations: {
        parameters: {
            query?: {
                /** @description Largest number of resources in the answer. */
                limit?: components["parameters"]["Limit"];
                /** @description Number of matches to leave out in front; beyond the end the answer is empty. */
                offset?: components["parameters"]["Offset"];
                /** @description A CRN of ten segments; `*` stands for a whole segment, `text*` in the last one for a beginning. */
                urlEncodedResourceCRNQuery?: string;
                /** @description Only registrations with this setting. */
                preventKeyDeletion?: boolean;
                /** @description `true` adds `metadata.totalCount`. */
                totalCount?: components["parameters"]["TotalCount"];
            };
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.registration+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "keyId": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "keyName": "payroll-root",
                     *           "resourceCrn": "crn:v1:bluemix:public:cloud-object-storage:global:a/00112233445566778899aabbccddeeff:7d3a1c55-3f1e-4a51-8f9e-0c8c2d6f4e21:bucket:payroll",
                     *           "createdBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "creationDate": "2026-01-02T03:04:05Z",
                     *           "updatedBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "lastUpdated": "2026-01-02T03:04:05Z",
                     *           "preventKeyDeletion": true,
                     *           "keyVersion": {
                     *             "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *             "creationDate": "2026-01-02T03:04:05Z"
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["RegistrationList"];
                };
            };
        };
    };
    deactivateRegistrations: {
        parameters: {
            query: {
                /** @description What to do. */
                action: "deactivate";
            };
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "metadata": {
                 *         "collectionType": "application/vnd.ibm.kms.resource_crn+json",
                 *         "collectionTotal": 1
                 *       },
                 *       "resources": [
                 *         {
                 *           "resourceCrn": "crn:v1:bluemix:public:cloud-object-storage:global:a/00112233445566778899aabbccddeeff:7d3a1c55-3f1e-4a51-8f9e-0c8c2d6f4e21:bucket:payroll"
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["ResourceCrnEnvelope"];
            };
        };
        responses: {
            /** @description The registrations, inactive. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RegistrationList"];
                };
            };
        };
    };
    replaceRegistration: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
                /** @description CRN of the registered resource, percent-encoded once or, as the Java SDK sends it, twice. It reaches at least to the segment of the service instance. */
                crn: components["parameters"]["ResourceCrn"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "metadata": {
                 *         "collectionType": "application/vnd.ibm.kms.registration_input+json",
                 *         "collectionTotal": 1
                 *       },
                 *       "resources": [
                 *         {
                 *           "description": "bucket payroll",
                 *           "preventKeyDeletion": true
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["RegistrationEnvelope"];
            };
        };
        responses: {
            /** @description The registration. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.registration+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "keyId": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "keyName": "payroll-root",
                     *           "resourceCrn": "crn:v1:bluemix:public:cloud-object-storage:global:a/00112233445566778899aabbccddeeff:7d3a1c55-3f1e-4a51-8f9e-0c8c2d6f4e21:bucket:payroll",
                     *           "createdBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "creationDate": "2026-01-02T03:04:05Z",
                     *           "updatedBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "lastUpdated": "2026-01-02T03:04:05Z",
                     *           "preventKeyDeletion": true,
                     *           "keyVersion": {
                     *             "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *             "creationDate": "2026-01-02T03:04:05Z"
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["OneRegistration"];
                };
            };
        };
    };
    createRegistration: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
                /** @description CRN of the registered resource, percent-encoded once or, as the Java SDK sends it, twice. It reaches at least to the segment of the service instance. */
                crn: components["parameters"]["ResourceCrn"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "metadata": {
                 *         "collectionType": "application/vnd.ibm.kms.registration_input+json",
                 *         "collectionTotal": 1
                 *       },
                 *       "resources": [
                 *         {
                 *           "description": "bucket payroll",
                 *           "preventKeyDeletion": true
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["RegistrationEnvelope"];
            };
        };
        responses: {
            /** @description The registration. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.registration+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "keyId": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "keyName": "payroll-root",
                     *           "resourceCrn": "crn:v1:bluemix:public:cloud-object-storage:global:a/00112233445566778899aabbccddeeff:7d3a1c55-3f1e-4a51-8f9e-0c8c2d6f4e21:bucket:payroll",
                     *           "createdBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "creationDate": "2026-01-02T03:04:05Z",
                     *           "updatedBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "lastUpdated": "2026-01-02T03:04:05Z",
                     *           "preventKeyDeletion": true,
                     *           "keyVersion": {
                     *             "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *             "creationDate": "2026-01-02T03:04:05Z"
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["OneRegistration"];
                };
            };
        };
    };
    deleteRegistration: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
                /** @description CRN of the registered resource, percent-encoded once or, as the Java SDK sends it, twice. It reaches at least to the segment of the service instance. */
                crn: components["parameters"]["ResourceCrn"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The registration as it was; for `Prefer: return=representation`. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OneRegistration"];
                };
            };
            /** @description Deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    updateRegistration: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id (UUID) or alias of the key. */
                id: components["parameters"]["KeyId"];
                /** @description CRN of the registered resource, percent-encoded once or, as the Java SDK sends it, twice. It reaches at least to the segment of the service instance. */
                crn: components["parameters"]["ResourceCrn"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "metadata": {
                 *         "collectionType": "application/vnd.ibm.kms.registration_input+json",
                 *         "collectionTotal": 1
                 *       },
                 *       "resources": [
                 *         {
                 *           "description": "bucket payroll",
                 *           "preventKeyDeletion": true
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["RegistrationEnvelope"];
            };
        };
        responses: {
            /** @description The registration. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "metadata": {
                     *         "collectionType": "application/vnd.ibm.kms.registration+json",
                     *         "collectionTotal": 1
                     *       },
                     *       "resources": [
                     *         {
                     *           "keyId": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "keyName": "payroll-root",
                     *           "resourceCrn": "crn:v1:bluemix:public:cloud-object-storage:global:a/00112233445566778899aabbccddeeff:7d3a1c55-3f1e-4a51-8f9e-0c8c2d6f4e21:bucket:payroll",
                     *           "createdBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "creationDate": "2026-01-02T03:04:05Z",
                     *           "updatedBy": "iam-ServiceId-1f0c2a3b-6b0e-4d5a-9a51-5d2b8a1e7c11",
                     *           "lastUpdated": "2026-01-02T03:04:05Z",
                     *           "preventKeyDeletion": true,
                     *           "keyVersion": {
                     *             "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *             "creationDate": "2026-01-02T03:04:05Z"
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["OneRegistration"];
                };
            };
        };
    };
    getStoreVerification: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What the check at the start found. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "checked_at": "2026-11-26T03:00:00Z",
                     *       "records": 50012,
                     *       "faults": 1,
                     *       "unnamed": 0,
                     *       "suspects": [
                     *         {
                     *           "table": "keys",
                     *           "instance_id": "11111111-2222-4333-8444-555555555555",
                     *           "id": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
                     *           "fault": "old"
                     *         }
                     *       ],
                     *       "differences": [
                     *         {
                     *           "instance_id": "11111111-2222-4333-8444-555555555555",
                     *           "forged": 0,
                     *           "old": 1,
                     *           "returned": 0,
                     *           "newer": 0,
                     *           "missing": 0,
                     *           "difference": "3b0c2a1d9f84e7563b0c2a1d9f84e7563b0c2a1d9f84e7563b0c2a1d9f84e756"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["StoreVerification"];
                };
            };
        };
    };
    verifyStore: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What the check found. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StoreVerification"];
                };
            };
        };
    };
    listTransfers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What is open. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "outgoing": [],
                     *       "incoming": [
                     *         {
                     *           "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "source": "11111111-2222-4333-8444-555555555555",
                     *           "expires": "2026-01-02T03:04:05Z",
                     *           "manifest": "3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Transfers"];
                };
            };
        };
    };
    closeTransfer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the transfer, as the offer names it. */
                id: components["parameters"]["TransferId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ended. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    exportTransferChunk: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the transfer, as the offer names it. */
                id: components["parameters"]["TransferId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "index": 1,
                 *       "after": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2"
                 *     }
                 */
                "application/json": components["schemas"]["TransferChunkRequest"];
            };
        };
        responses: {
            /** @description The chunk. Whoever carries it can neither read nor change it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferChunk"];
                };
            };
        };
    };
    signTransferManifest: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the transfer, as the offer names it. */
                id: components["parameters"]["TransferId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "keys": 12,
                 *       "chunks": [
                 *         {
                 *           "digest": "3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b",
                 *           "tag": "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["TransferManifestRequest"];
            };
        };
        responses: {
            /** @description The manifest. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferManifest"];
                };
            };
        };
    };
    importTransferChunk: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Of the transfer, as the offer names it. */
                id: components["parameters"]["TransferId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TransferImportRequest"];
            };
        };
        responses: {
            /** @description What became of each key. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "keys": [
                     *         {
                     *           "id": "2291e4ae-a14c-4af9-88f0-27c0cb2739e2",
                     *           "name": "payroll",
                     *           "outcome": "imported"
                     *         },
                     *         {
                     *           "id": "6b1c7f0e-9f6d-4c39-8f0c-5e0a3d1b2c4d",
                     *           "name": "archive",
                     *           "outcome": "refused",
                     *           "code": "KEY_ALIAS_NOT_UNIQUE_ERR",
                     *           "message": "another key of the instance has the alias archive"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["TransferImport"];
                };
            };
        };
    };
    getUnitSealing: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The method in force. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "method": "tpm2",
                     *       "reference": "pcrs=7",
                     *       "saves": 12,
                     *       "detects_old_state": true,
                     *       "advice": "The state opens on this machine only: without it, the quorum's key parts are what is left. An old copy put back is noticed."
                     *     }
                     */
                    "application/json": components["schemas"]["UnitSealing"];
                };
            };
        };
    };
    changeUnitSealing: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "method": "passphrase",
                 *       "reference": "unit-passphrase"
                 *     }
                 */
                "application/json": components["schemas"]["UnitSealingChange"];
            };
        };
        responses: {
            /** @description The method in force now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UnitSealing"];
                };
            };
        };
    };
}
