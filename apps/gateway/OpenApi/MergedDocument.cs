using System.Text.Json.Nodes;
using Gateway.Idempotency;
using ServiceDefaults.OpenApi;

namespace Gateway.OpenApi;

/// <summary>One document of the documents of all apps: what clients reach, under the paths that they use, with what the gateway adds to it.</summary>
internal static class MergedDocument
{
    /// <summary>Member that names the apps whose documents could not be had.</summary>
    public const string Missing = "x-missing";

    private static readonly string[] TokenCodes = ["UNAUTHORIZED", "INVALID_TOKEN", "TOKEN_EXPIRED", "TOKEN_REVOKED"];

    /// <summary>Merges.</summary>
    /// <param name="own">Document of the gateway's own routes.</param>
    /// <param name="apps">Documents by app id; null where there was none.</param>
    /// <param name="routes">The route table.</param>
    public static JsonObject Merge(JsonObject own, IReadOnlyDictionary<string, JsonObject?> apps, IReadOnlyDictionary<string, GatewayRoute> routes)
    {
        var merged = own.DeepClone().AsObject();
        merged["info"]!["title"] = "Tandem";
        var paths = merged["paths"]!.AsObject();
        var reachable = new ReachablePaths(routes);
        var ids = paths.SelectMany(path => path.Value!.AsObject()).Select(operation => (string)operation.Value!["operationId"]!).ToHashSet();
        var tags = (merged["tags"]?.AsArray() ?? []).Select(tag => (string)tag!["name"]!).ToHashSet();
        foreach (var (app, document) in apps.Where(app => app.Value is not null).OrderBy(app => app.Key, StringComparer.Ordinal))
        {
            var part = Take(merged, app, document!.DeepClone().AsObject());
            tags.UnionWith((part["tags"]?.AsArray() ?? []).Select(tag => (string)tag!["name"]!));
            foreach (var (path, method, operation) in Operations(part))
            {
                foreach (var (at, name, route) in reachable.To(app, method, path))
                {
                    var copy = operation.DeepClone().AsObject();
                    if (at != path)
                    {
                        copy["deprecated"] = true;
                    }

                    var id = (string)copy["operationId"]!;
                    copy["operationId"] = ids.Add(id) ? id : ids.Add($"{id}_{name}") ? $"{id}_{name}" : $"{id}_{app}_{name}";
                    Complete(merged, copy, method, route);
                    (paths[at] ??= new JsonObject())[method.ToLowerInvariant()] = copy;
                }
            }
        }

        merged["tags"] = new JsonArray([.. tags.Order(StringComparer.Ordinal).Select(tag => new JsonObject { ["name"] = tag })]);
        if (apps.Where(app => app.Value is null).Select(app => JsonValue.Create(app.Key)).ToArray() is { Length: > 0 } missing)
        {
            merged[Missing] = new JsonArray([.. missing]);
        }

        return merged;
    }

    /// <summary>The operations of a document.</summary>
    public static IEnumerable<(string Path, string Method, JsonObject Operation)> Operations(JsonObject document) =>
        from path in document["paths"]!.AsObject()
        from operation in path.Value!.AsObject()
        select (path.Key, operation.Key.ToUpperInvariant(), operation.Value!.AsObject());

    /// <summary>Takes over a document's components; one whose name is taken by another gets the app's name before its own.</summary>
    private static JsonObject Take(JsonObject merged, string app, JsonObject part)
    {
        var all = (merged["components"] ??= new JsonObject()).AsObject();
        foreach (var (kind, components) in part["components"]?.AsObject() ?? [])
        {
            var known = (all[kind] ??= new JsonObject()).AsObject();
            foreach (var (name, component) in components!.AsObject())
            {
                if (known[name] is { } other && !JsonNode.DeepEquals(other, component))
                {
                    var renamed = string.Concat(app.Split('-').Select(word => char.ToUpperInvariant(word[0]) + word[1..])) + name;
                    Rename(part, $"#/components/{kind}/{name}", $"#/components/{kind}/{renamed}");
                    known[renamed] = component!.DeepClone();
                }
            }

            // After the renaming, which may have changed what they point to.
            foreach (var (name, component) in components.AsObject())
            {
                known.TryAdd(name, component!.DeepClone());
            }
        }

        return part;
    }

    private static void Rename(JsonNode? node, string from, string to)
    {
        switch (node)
        {
            case JsonObject members:
                if (members["$ref"] is JsonValue reference && reference.TryGetValue<string>(out var target) && target == from)
                {
                    members["$ref"] = to;
                }

                foreach (var (_, member) in members)
                {
                    Rename(member, from, to);
                }

                break;
            case JsonArray items:
                foreach (var item in items)
                {
                    Rename(item, from, to);
                }

                break;
        }
    }

    /// <summary>What the gateway asks for and answers by itself on a line of its table.</summary>
    private static void Complete(JsonObject merged, JsonObject operation, string method, GatewayRoute route)
    {
        var writes = method is not ("GET" or "HEAD");
        if (route.Public)
        {
            operation["security"] ??= new JsonArray();
        }
        else
        {
            operation["security"] = new JsonArray(new JsonObject { ["bearer"] = new JsonArray() }, new JsonObject { ["cookie"] = new JsonArray() });
            Answer(merged, operation, 401, TokenCodes);
            Answer(merged, operation, 503, "IDENTITY_UNAVAILABLE");
            Answer(merged, operation, 403, "INSUFFICIENT_SCOPE");
        }

        if (route.Scope is not null)
        {
            operation["security"]!.AsArray().Add(new JsonObject { ["apiKey"] = new JsonArray() });
            Answer(merged, operation, 401, "INVALID_API_KEY");
            operation["x-scope"] = route.Scope;
        }

        Answer(merged, operation, 429, "RATE_LIMITED");
        Answer(merged, operation, 503, "UPSTREAM_UNAVAILABLE");
        Answer(merged, operation, 504, "UPSTREAM_TIMEOUT");
        if (writes)
        {
            Answer(merged, operation, 403, "CROSS_SITE_REQUEST");
            Answer(merged, operation, 413, "BODY_TOO_LARGE");
        }

        if (writes && route.Idempotency == IdempotencyBy.Gateway)
        {
            var parameters = (operation["parameters"] ??= new JsonArray()).AsArray();
            if (!parameters.Any(parameter => (string?)parameter!["name"] == "Idempotency-Key"))
            {
                parameters.Add(new JsonObject
                {
                    ["name"] = "Idempotency-Key",
                    ["in"] = "header",
                    ["description"] = "Makes the request safe to repeat: the same key with the same body gives the same answer for 24 hours.",
                    ["schema"] = new JsonObject { ["type"] = "string" },
                    ["example"] = "\"8e03978e-40d5-43e8-bc93-6894a57f9324\"",
                });
            }

            Answer(merged, operation, 400, "IDEMPOTENCY_KEY_INVALID");
            Answer(merged, operation, 409, "IDEMPOTENCY_IN_PROGRESS", "IDEMPOTENCY_ANSWER_NOT_KEPT");
            Answer(merged, operation, 422, "IDEMPOTENCY_KEY_REUSED");
            Answer(merged, operation, 503, "IDEMPOTENCY_UNAVAILABLE");
        }

        var headers = (merged["components"]!["headers"] ??= new JsonObject()).AsObject();
        headers.TryAdd("RateLimit", Header("What is left of the quota: r requests for t seconds."));
        headers.TryAdd("RateLimit-Policy", Header("The quotas: q requests in w seconds."));
        foreach (var (status, response) in operation["responses"]!.AsObject())
        {
            if (status[0] == '2' || status == "429")
            {
                var own = (response!["headers"] ??= new JsonObject()).AsObject();
                foreach (var name in (string[])["RateLimit", "RateLimit-Policy"])
                {
                    own.TryAdd(name, new JsonObject { ["$ref"] = $"#/components/headers/{name}" });
                }
            }
        }
    }

    private static JsonObject Header(string description) => new() { ["description"] = description, ["schema"] = new JsonObject { ["type"] = "string" } };

    private static void Answer(JsonObject merged, JsonObject operation, int status, params string[] codes)
    {
        var response = (operation["responses"]!.AsObject()[status.ToString("D")] ??= new JsonObject
        {
            ["description"] = "",
            ["content"] = new JsonObject
            {
                ["application/problem+json"] = new JsonObject
                {
                    ["schema"] = new JsonObject { ["$ref"] = "#/components/schemas/Problem" }, ["examples"] = new JsonObject(),
                },
            },
        }).AsObject();
        var examples = response["content"]!["application/problem+json"]!["examples"]!.AsObject();
        var shared = (merged["components"]!["examples"] ??= new JsonObject()).AsObject();
        foreach (var code in codes)
        {
            var id = $"{code}.{status}";
            shared.TryAdd(id, new JsonObject { ["value"] = OwnDocument.Problem(status, code) });
            examples.TryAdd(code, new JsonObject { ["$ref"] = $"#/components/examples/{id}" });
        }

        response["description"] = string.Join(", ", examples.Select(example => example.Key).Order(StringComparer.Ordinal));
    }
}
