package main

import (
	"fmt"
	"sort"
	"strings"
	"time"

	kp "github.com/IBM/keyprotect-go-client"
)

// lists shows pages, states, sorting, search and filters over a small set of keys of this run.
func (s *suite) lists() {
	s.pages()
	these := s.listed()
	s.listOptions(these)
	s.sorting(these)
	s.searching(these)
	s.filters(these)
	s.listRefusals()
}

func (s *suite) pages() {
	s.success("GetKeys", "the client's default is a page of 2000", func() {
		key := s.root()
		keys := must(s.manager.GetKeys(s.ctx, 0, 0))
		equal("total of the page", keys.Metadata.NumberOfKeys, len(keys.Keys))
		for _, got := range keys.Keys {
			equal("payload in a list", got.Payload, "")
			if got.ID == key.ID {
				return
			}
		}
		fail("the new key is not in the list")
	})
	s.success("GetKeys", "pages follow each other without gap or overlap", func() {
		all := must(s.manager.GetKeys(s.ctx, 6, 0)).Keys
		equal("keys", len(all), 6)
		for page := 0; page < 3; page++ {
			got := must(s.manager.GetKeys(s.ctx, 2, 2*page)).Keys
			equal("ids", ids(got), ids(all[2*page:2*page+2]))
		}
	})
	s.success("GetKeys", "beyond the end", func() {
		equal("keys", len(must(s.manager.GetKeys(s.ctx, 10, 100000)).Keys), 0)
	})
	for name, row := range map[string][2]int{"5001": {5001, 0}, "-1": {-1, 0}} {
		s.refusal("GetKeys", "a page of "+name, 400, "INVALID_QUERY_PARAM_ERR", func() error {
			return errOf(s.manager.GetKeys(s.ctx, row[0], row[1]))
		})
	}
	s.refusal("GetKeys", "an offset of -1", 400, "INVALID_QUERY_PARAM_ERR", func() error {
		return errOf(s.manager.GetKeys(s.ctx, 10, -1))
	})
}

// listed is a set with one key of each kind; its names share a word that no other key has.
type listed struct {
	word                                                               string
	active, standard, imported, expiring, rotated, disabled, destroyed *kp.Key
}

func (s *suite) listed() *listed {
	these := &listed{word: "Listed" + s.tag}
	s.success("ListKeys", "a set of keys for the cases below", func() {
		name := func(what string) string { return these.word + " " + what }
		expires := time.Now().Add(72 * time.Hour)
		these.active = must(s.manager.CreateKeyWithAliases(s.ctx, name("active"), nil, false, []string{"list-" + s.tag + "-alias"}))
		these.standard = must(s.manager.CreateStandardKey(s.ctx, name("standard"), nil))
		these.imported = must(s.manager.CreateImportedRootKey(s.ctx, name("imported"), nil, material(16), "", ""))
		these.expiring = must(s.manager.CreateRootKey(s.ctx, name("expiring"), &expires))
		these.rotated = must(s.manager.CreateRootKey(s.ctx, name("rotated"), nil))
		these.disabled = must(s.manager.CreateRootKey(s.ctx, name("disabled"), nil))
		these.destroyed = must(s.manager.CreateRootKey(s.ctx, name("destroyed"), nil))
		ok(s.manager.Rotate(s.ctx, these.rotated.ID, ""))
		ok(s.manager.DisableKey(s.ctx, these.disabled.ID))
		s.remove(these.destroyed.ID)
		equal("keys of the set", s.kinds(these, kp.ListKeysOptions{}), "active disabled expiring imported rotated standard")
	})
	return these
}

// kinds lists with `options` and gives the last words of the names, sorted; the search is set to
// the word of the set unless there is one.
func (s *suite) kinds(these *listed, options kp.ListKeysOptions) string {
	kinds := []string{}
	for _, key := range s.list(these, options) {
		kinds = append(kinds, key.Name[strings.LastIndex(key.Name, " ")+1:])
	}
	sort.Strings(kinds)
	return strings.Join(kinds, " ")
}

func (s *suite) list(these *listed, options kp.ListKeysOptions) []kp.Key {
	if options.Search == nil {
		options.Search = &these.word
	}
	return must(s.manager.ListKeys(s.ctx, &options)).Keys
}

func ids(keys []kp.Key) []string {
	out := []string{}
	for _, key := range keys {
		out = append(out, key.ID)
	}
	return out
}

func (s *suite) listOptions(these *listed) {
	for _, row := range []struct {
		name, want string
		options    kp.ListKeysOptions
	}{
		{"root keys", "active disabled expiring imported rotated", kp.ListKeysOptions{Extractable: no()}},
		{"standard keys", "standard", kp.ListKeysOptions{Extractable: yes()}},
		{"destroyed keys", "destroyed", kp.ListKeysOptions{State: []kp.KeyState{kp.Destroyed}}},
		{"suspended and destroyed keys", "destroyed disabled", kp.ListKeysOptions{State: []kp.KeyState{kp.Suspended, kp.Destroyed}}},
		{"suspended standard keys", "", kp.ListKeysOptions{State: []kp.KeyState{kp.Suspended}, Extractable: yes()}},
	} {
		s.success("ListKeys", row.name, func() { equal("keys", s.kinds(these, row.options), row.want) })
	}
	s.success("ListKeys", "no options at all", func() {
		that(len(must(s.manager.ListKeys(s.ctx, nil)).Keys) > 0, "no keys")
	})
	s.success("ListKeys", "limit and offset with a search", func() {
		one, two := uint32(2), uint32(1)
		all := s.list(these, kp.ListKeysOptions{})
		equal("page", ids(s.list(these, kp.ListKeysOptions{Limit: &one, Offset: &two})), ids(all[1:3]))
	})
	s.success("ListKeys", "aliases, ring, version and policies are in the list", func() {
		for _, key := range s.list(these, kp.ListKeysOptions{}) {
			equal("ring", key.KeyRingID, "default")
			that(key.DualAuthDelete != nil, "dualAuthDelete is absent")
			if key.ID == these.active.ID {
				equal("aliases", key.Aliases, these.active.Aliases)
				equal("version", key.KeyVersion.ID, key.ID)
			}
		}
	})
}

// sorting checks that the values stand in order; keys without the value come last, descending first.
func (s *suite) sorting(these *listed) {
	date := func(value *time.Time) string {
		if value == nil {
			return "~"
		}
		return value.UTC().Format(time.RFC3339)
	}
	for _, row := range []struct {
		name            string
		rising, falling kp.SortByOpts
		of              func(kp.Key) string
	}{
		{"id", kp.WithID(), kp.WithIDDesc(), func(k kp.Key) string { return k.ID }},
		{"state", kp.WithState(), kp.WithStateDesc(), func(k kp.Key) string { return fmt.Sprint(k.State) }},
		{"extractable", kp.WithExtractable(), kp.WithExtractableDesc(), func(k kp.Key) string { return fmt.Sprint(k.Extractable) }},
		{"imported", kp.WithImported(), kp.WithImportedDesc(), func(k kp.Key) string { return fmt.Sprint(k.Imported) }},
		{"creation date", kp.WithCreationDate(), kp.WithCreationDateDesc(), func(k kp.Key) string { return date(k.CreationDate) }},
		{"last update", kp.WithLastUpdateDate(), kp.WithLastUpdateDateDesc(), func(k kp.Key) string { return date(k.LastUpdateDate) }},
		{"last rotation", kp.WithLastRotateDate(), kp.WithLastRotateDateDesc(), func(k kp.Key) string { return date(k.LastRotateDate) }},
		{"deletion date", kp.WithDeletionDate(), kp.WithDeletionDateDesc(), func(k kp.Key) string { return date(k.DeletionDate) }},
		{"expiration date", kp.WithExpirationDate(), kp.WithExpirationDateDesc(), func(k kp.Key) string { return date(k.Expiration) }},
	} {
		for _, falling := range []bool{false, true} {
			order, name := row.rising, "sorted by "+row.name
			if falling {
				order, name = row.falling, name+", descending"
			}
			s.success("ListKeys", name, func() {
				values := s.sorted(these, row.of, order)
				rightOrder := sort.SliceIsSorted(values, func(i, j int) bool {
					return (values[i] < values[j]) != falling && values[i] != values[j]
				})
				that(rightOrder, "out of order: %v", values)
			})
		}
	}
	s.success("ListKeys", "sorted by two values", func() {
		of := func(k kp.Key) string { return fmt.Sprintf("%v%v", k.Extractable, k.ID) }
		values := s.sorted(these, of, kp.WithExtractable(), kp.WithID())
		that(sort.StringsAreSorted(values), "out of order: %v", values)
	})
}

func (s *suite) sorted(these *listed, of func(kp.Key) string, order ...kp.SortByOpts) []string {
	states := []kp.KeyState{kp.Active, kp.Suspended, kp.Destroyed}
	keys := s.list(these, kp.ListKeysOptions{State: states, Sort: kp.GetKeySortStr(order...)})
	equal("keys", len(keys), 7)
	values := []string{}
	for _, key := range keys {
		values = append(values, of(key))
	}
	return values
}

func (s *suite) searching(these *listed) {
	alias := "list-" + s.tag + "-alias"
	exact, not, escape, name, inAlias := kp.WithExactMatch(), kp.ApplyNot(), kp.AddEscape(), kp.AddKeyNameScope(), kp.AddAliasScope()
	for _, row := range []struct {
		name, text string
		options    []kp.SearchOpts
		want       string
	}{
		{"a part, in capitals", strings.ToUpper(these.word + " act"), nil, "active"},
		{"the whole name", these.word + " active", []kp.SearchOpts{exact}, "active"},
		{"a part is not the whole", these.word + " activ", []kp.SearchOpts{exact}, ""},
		{"an alias, in any place", alias, nil, "active"},
		{"an alias, as alias", alias, []kp.SearchOpts{inAlias}, "active"},
		{"an alias, as name", alias, []kp.SearchOpts{name}, ""},
		{"a name, as name and exactly", these.word + " standard", []kp.SearchOpts{exact, name}, "standard"},
		{"a name, as alias", these.word, []kp.SearchOpts{inAlias}, ""},
		{"words of the language as text", "exact:" + these.word, []kp.SearchOpts{escape}, ""},
	} {
		s.success("ListKeys", "search: "+row.name, func() {
			query := must(kp.GetKeySearchQuery(&row.text, row.options...))
			equal("keys", s.kinds(these, kp.ListKeysOptions{Search: query}), row.want)
		})
	}
	s.success("ListKeys", "search: not", func() {
		text := these.word
		keys := s.list(these, kp.ListKeysOptions{Search: must(kp.GetKeySearchQuery(&text, not))})
		that(len(keys) > 0, "no other keys")
		for _, key := range keys {
			that(!strings.Contains(key.Name, these.word), "%s is found", key.Name)
		}
	})
	s.success("ListKeys", "search: a key id", func() {
		equal("keys", ids(s.list(these, kp.ListKeysOptions{Search: &these.rotated.ID})), []string{these.rotated.ID})
	})
}

func (s *suite) filters(these *listed) {
	build := kp.GetFilterQueryBuilder
	now := time.Now()
	early, late := now.Add(-time.Hour), now.Add(100*time.Hour)
	all := "active disabled expiring imported rotated standard"
	for _, row := range []struct {
		name, want string
		query      *kp.FilterQueryBuilder
	}{
		{"created after", all, build().CreationDate().GreaterThan(early)},
		{"created in an hour", all, build().CreationDate().GreaterThanOrEqual(early).CreationDate().LessThanOrEqual(late)},
		{"created before", "", build().CreationDate().LessThan(early)},
		{"expiring some day", "expiring", build().ExpirationDate().LessThan(late)},
		{"never expiring", "active disabled imported rotated standard", build().ExpirationDate().None()},
		{"rotated, root key, active", "rotated", build().LastRotationDate().GreaterThan(early).
			Extractable(false).State([]kp.KeyState{kp.Active})},
		{"never rotated standard key", "standard", build().LastRotationDate().None().Extractable(true)},
		{"deleted", "destroyed", build().DeletionDate().GreaterThan(early).State([]kp.KeyState{kp.Active, kp.Destroyed})},
		{"not deleted", all, build().DeletionDate().None()},
		{"updated, suspended", "disabled", build().LastUpdateDate().GreaterThan(early).State([]kp.KeyState{kp.Suspended})},
	} {
		s.success("ListKeys", "filter: "+row.name, func() {
			filter := row.query.Build()
			equal("keys of "+filter, s.kinds(these, kp.ListKeysOptions{Filter: &filter}), row.want)
		})
	}
	s.success("ListKeys", "filter: created at the very second", func() {
		filter := build().CreationDate().Equal(*these.active.CreationDate).Build()
		that(strings.Contains(s.kinds(these, kp.ListKeysOptions{Filter: &filter}), "active"), "not found by %s", filter)
	})
}

func (s *suite) listRefusals() {
	words := func(text string) *string { return &text }
	twice := kp.GetFilterQueryBuilder().State([]kp.KeyState{kp.Active}).Build()
	for _, row := range []struct {
		name    string
		options kp.ListKeysOptions
	}{
		{"state 4", kp.ListKeysOptions{State: []kp.KeyState{4}}},
		{"an unknown sort", kp.ListKeysOptions{Sort: words("colour")}},
		{"an unknown property in the filter", kp.ListKeysOptions{Filter: words(" colour=red")}},
		{"a filter date that is none", kp.ListKeysOptions{Filter: words(` creationDate=gt:"yesterday"`)}},
		{"the state in filter and query", kp.ListKeysOptions{Filter: &twice, State: []kp.KeyState{kp.Active}}},
		{"a page of 0", kp.ListKeysOptions{Limit: new(uint32)}},
	} {
		s.refusal("ListKeys", row.name, 400, "INVALID_QUERY_PARAM_ERR", func() error {
			return errOf(s.manager.ListKeys(s.ctx, &row.options))
		})
	}
}
