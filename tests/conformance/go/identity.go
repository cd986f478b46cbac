package main

import (
	"errors"
	"net/http"
	"os"
	"strings"

	kp "github.com/IBM/keyprotect-go-client"
	"github.com/IBM/keyprotect-go-client/iam"
	"github.com/google/uuid"
)

// identity shows tokens, headers and the refusals that every call shares.
func (s *suite) identity() {
	s.tokens()
	s.headers()
	instance := os.Getenv("KH_INSTANCE")

	s.report.run("refusal", "GetKeys", "an unknown API key is refused by the identity service", func() {
		_, err := s.open(s.config("no-such-key-"+s.tag, instance)).GetKeys(s.ctx, 1, 0)
		var refusal iam.Error
		that(errors.As(err, &refusal), "not an iam.Error: %v", err)
		equal("status", refusal.HTTPResponse.StatusCode, 400)
		equal("code", refusal.ErrorCode, "BXNIM0415E")
		that(refusal.ErrorMessage != "", "no message")
	})
	s.refusal("GetKeys", "a token that is none", 400, "BEARER_SUB_EXTRACTION_ERR", func() error {
		config := s.config("", instance)
		config.Authorization = "Bearer not.a.token"
		return errOf(s.open(config).GetKeys(s.ctx, 1, 0))
	})
	s.refusal("GetKeys", "a token with a changed signature", 401, "", func() error {
		config := s.config("", instance)
		signed := s.token().AccessToken
		half := len(signed) - 20 // in the middle of the signature's last bytes
		config.Authorization = "Bearer " + signed[:half] + strings.Repeat("A", 10) + signed[half+10:]
		return errOf(s.open(config).GetKeys(s.ctx, 1, 0))
	})
	s.refusal("GetKeyMetadata", "an identity without a role", 401, "", func() error {
		return errOf(s.nobody.GetKeyMetadata(s.ctx, s.root().ID))
	})
	s.refusal("GetKeyMetadata", "an instance that does not exist", 401, "", func() error {
		return errOf(s.client("KH_APIKEY", unknownID()).GetKeyMetadata(s.ctx, unknownID()))
	})
	s.refusal("GetKeyMetadata", "an instance id that is none", 400, "", func() error {
		return errOf(s.client("KH_APIKEY", "not-an-id").GetKeyMetadata(s.ctx, unknownID()))
	})
}

// token is one that the client's own token source fetched.
func (s *suite) token() *iam.Token {
	source := iam.CredentialFromAPIKey(os.Getenv("KH_APIKEY"))
	source.TokenURL = os.Getenv("KH_IAM_URL") + "/oidc/token"
	return must(source.Token())
}

func (s *suite) tokens() {
	instance := os.Getenv("KH_INSTANCE")
	for _, path := range []string{"/oidc/token", "/identity/token"} {
		s.success("GetKeys", "token from "+path, func() {
			config := s.config(os.Getenv("KH_APIKEY"), instance)
			config.TokenURL = os.Getenv("KH_IAM_URL") + path
			must(s.open(config).GetKeys(s.ctx, 1, 0))
		})
	}
	s.success("GetKeys", "a token is a bearer's and lasts longer than a minute", func() {
		got := s.token()
		equal("type", got.TokenType, "Bearer")
		that(got.Valid(), "the client would fetch a token for every request")
	})
	s.success("GetKeys", "a ready token from the context", func() {
		ctx := kp.NewContextWithAuth(s.ctx, "Bearer "+s.token().AccessToken)
		must(s.open(s.config("", instance)).GetKeys(ctx, 1, 0))
	})
	s.success("GetKeys", "a ready token from the configuration", func() {
		config := s.config("", instance)
		config.Authorization = "Bearer " + s.token().AccessToken
		must(s.open(config).GetKeys(s.ctx, 1, 0))
	})
}

func (s *suite) headers() {
	s.success("GetKey", "own correlation id and headers", func() {
		id := uuid.New()
		ctx := kp.NewContextWithCorrelationID(s.ctx, &id)
		config := s.config(os.Getenv("KH_APIKEY"), os.Getenv("KH_INSTANCE"))
		config.Headers = http.Header{"X-Custom": {"one", "two"}, "Prefer": {"return=representation"}}
		client := s.open(config)
		key := must(client.CreateStandardKey(ctx, s.name("headers"), nil))
		that(key.Payload != "", "no payload although return=representation was asked")
		_, err := client.GetKey(ctx, unknownID())
		var refusal *kp.Error
		that(errors.As(err, &refusal), "not a kp.Error: %v", err)
		equal("correlation id", refusal.CorrelationID, id.String())
		that(strings.Contains(string(refusal.BodyContent), "errorMsg"), "no errorMsg in the body")
	})
	s.success("CreateKey", "return=minimal gives the id alone", func() {
		config := s.config(os.Getenv("KH_APIKEY"), os.Getenv("KH_INSTANCE"))
		config.Headers = http.Header{"Prefer": {"return=minimal"}}
		key := must(s.open(config).CreateKey(s.ctx, s.name("minimal"), nil, false))
		that(key.ID != "" && key.Name == "", "want the id and no name, got %q and %q", key.ID, key.Name)
	})
}
