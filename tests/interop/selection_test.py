"""Selections: random expressions over random graphs select the same assets in Dagster and here.

Graphs without external assets compare whole sets. With external ones, Dagster (include_sources=True) still drops them from `+x`, so that the
assets that are made here are compared, of expressions that do not go on from a `+x`: docs/reference/differences-from-dagster.md."""
import re
import sys

import referee

EXPRESSIONS = 500
WITH_EXTERNAL = 200
GROUPS = ["raw", "mart", "stg_1", "stg_2", "default"]
KINDS = ["sql", "csv", "python"]
OWNERS = ["team:data", "team:shop", "ann@shop.example"]
TAGS = {"domain": ["", "sales", "stock"], "tier": ["1", "two"]}


def random_assets(rng, external):
    keys = referee.random_keys(rng, rng.randint(1, 30))
    deps = referee.random_deps(rng, keys)
    assets = []
    for key in keys:
        is_external = external and not deps[key] and rng.random() < 0.6
        tags = {name: rng.choice(values) for name, values in TAGS.items() if rng.random() < 0.4}
        assets.append({"key": key, "deps": deps[key], "group": rng.choice(GROUPS), "kinds": rng.sample(KINDS, rng.randint(0, 2)), "tags": tags,
                       "owners": rng.sample(OWNERS, rng.randint(0, 2)), "external": is_external})
    return assets


def key_pattern(rng, assets):
    key = rng.choice(assets)["key"] if rng.random() < 0.9 else "none/such"
    kind = rng.randrange(4)
    if kind == 0:
        at = rng.randint(0, len(key))
        key = key[:at] + "*" + key[rng.randint(at, len(key)):]
    elif kind == 1:
        key = "*" + key[rng.randint(0, len(key)):] + rng.choice(["", "*"])
    return key


UNQUOTED = re.compile("[a-zA-Z_][a-zA-Z0-9_/]*|[a-zA-Z_*][a-zA-Z0-9_*/]+")  # Dagster's


def quote(rng, text):
    return text if UNQUOTED.fullmatch(text) and rng.random() < 0.5 else f'"{text}"'


def attribute(rng, assets):
    kind = rng.randrange(12)
    if kind < 5:
        return f"key:{quote(rng, key_pattern(rng, assets))}"
    if kind == 5:
        group = rng.choice(GROUPS)
        return f"group:{quote(rng, group)}" if rng.random() < 0.6 else f'group:"{group[:rng.randint(0, 3)]}*"'
    if kind == 6:
        return f"kind:{quote(rng, rng.choice(KINDS))}" if rng.random() < 0.8 else "kind:<null>"
    if kind == 7:
        return f'owner:"{rng.choice(OWNERS)}"'
    if kind == 8:
        return rng.choice(["is:external", "is:materializable", 'is:"external"', "group:<null>"])
    name = rng.choice(list(TAGS))
    value = rng.choice(TAGS[name])
    text = f"tag:{quote(rng, name)}"
    if value or rng.random() < 0.3:
        text += f"={quote(rng, value)}" if value else rng.choice(['=""', "=<null>"])
    return text


def atom(rng, assets, depth, shape):
    kind = rng.randrange(10)
    if depth > 0 and kind < 2:
        return f"({expression(rng, assets, depth - 1, shape)})"
    if depth > 0 and kind == 2:
        return f"{rng.choice(['roots', 'sinks'])}({expression(rng, assets, depth - 1, below(shape))})"
    return attribute(rng, assets)


def steps(rng):
    return rng.choice(["", "", "1", "2", "3", "0", "99999999999999999999"])


def traversal(rng, assets, depth, shape):
    kind = rng.randrange(8)
    if kind == 0:
        return "*"
    if kind > 3:
        return atom(rng, assets, depth, shape)
    text = atom(rng, assets, depth, below(shape))
    if kind in (1, 3):
        text += rng.choice(["+", " + "]) + steps(rng)
    if kind in (2, 3) and shape != NO_UP:
        text = steps(rng) + rng.choice(["+", " + "]) + text
    return text


# Whether an expression may hold "+x": anywhere, where nothing goes on from it, or not at all.
ANY_UP, TOP_UP, NO_UP = range(3)


def below(shape):
    return NO_UP if shape == TOP_UP else shape


def expression(rng, assets, depth, shape):
    text = rng.choice(["", "", "", "not ", "NOT ", "not not "]) + traversal(rng, assets, depth, shape)
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        word = rng.choice(["and", "or", "AND", "OR"])
        text += f" {word} {rng.choice(['', '', 'not '])}{traversal(rng, assets, depth, shape)}"
    return text


def graph_of(dagster, assets):
    definitions = []
    for a in assets:
        spec = dagster.AssetSpec(dagster.AssetKey(a["key"].split("/")), deps=[dagster.AssetKey(d.split("/")) for d in a["deps"]],
                                 group_name=a["group"], kinds=set(a["kinds"]), tags=a["tags"], owners=a["owners"])
        if a["external"]:
            definitions.append(spec)
        else:
            definitions.append(dagster.multi_asset(specs=[spec], name=a["key"].replace("/", "__"))(lambda: None))
    return dagster.Definitions(assets=definitions).resolve_asset_graph()


def compare(dagster, peer, rng, external, wanted):
    """Dagster's evaluation is followed where it is defined: its parser accepts all that is made here."""
    from dagster._core.definitions.antlr_asset_selection.antlr_asset_selection import AntlrAssetSelectionParser
    compared = 0
    chosen = 0
    while compared < wanted:
        assets = random_assets(rng, external)
        graph = graph_of(dagster, assets)
        made_here = {a["key"] for a in assets if not a["external"]}
        texts = [expression(rng, assets, 2, TOP_UP if external else ANY_UP) for _ in range(25)]
        ours = peer.ask("select", assets=assets, selections=texts)["answers"]
        for text, answer in zip(texts, ours):
            assert not isinstance(answer, str), (text, answer)
            theirs = {k.to_user_string() for k in AntlrAssetSelectionParser(text, external).asset_selection.resolve(graph)}
            answer = set(answer)
            if external:
                theirs, answer = theirs & made_here, answer & made_here
            assert answer == theirs, f"{text}\nonly here: {sorted(answer - theirs)}\nonly Dagster: {sorted(theirs - answer)}\n{assets}"
            compared += 1
            chosen += 0 < len(answer) < len(made_here)
    assert chosen > wanted / 5, f"only {chosen} of {compared} expressions chose some and not all"
    print(f"{compared} expressions, {chosen} of them chose some assets and not all{', with external assets' if external else ''}")


REFUSED = ["", "key:", "key:a and", "key:a key:b", "key:a+b", "++key:a", "(key:a", "key:a)", "()", "roots()", "or key:a", "group:", "tag:a=",
           "key:a++", "+not key:a", "key:a,key:b", "tag:<null>", "is:made", "key:<null>", "foo:a", "Not key:a"]


def both_refuse(peer):
    from dagster._core.definitions.antlr_asset_selection.antlr_asset_selection import AntlrAssetSelectionParser
    ours = peer.ask("select", assets=[{"key": "a"}], selections=REFUSED)["answers"]
    for text, answer in zip(REFUSED, ours):
        try:
            AntlrAssetSelectionParser(text, False)
            refused = False
        except Exception:  # Dagster raises plain ones
            refused = True
        assert refused and isinstance(answer, str), (text, refused, answer)
    print(f"{len(REFUSED)} expressions that are none")


def test(peer, rng):
    import dagster
    compare(dagster, peer, rng, False, EXPRESSIONS)
    compare(dagster, peer, rng, True, WITH_EXTERNAL)
    both_refuse(peer)


if __name__ == "__main__":
    sys.exit(referee.main(test))
