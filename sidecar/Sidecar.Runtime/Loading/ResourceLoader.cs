using Sidecar.Abstractions;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace Sidecar.Runtime.Loading;

/// <summary>Reads the YAML files of resource folders: Components, Subscriptions and Resiliency; other kinds are skipped.</summary>
public static class ResourceLoader
{
    private static readonly TimeSpan DefaultInitTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Loads every <c>.yaml</c> and <c>.yml</c> file of the folders, in ordinal order of their names.</summary>
    public static ResourceSet Load(IEnumerable<string> folders)
    {
        var components = new List<ComponentManifest>();
        var subscriptions = new List<SubscriptionManifest>();
        var resiliency = new List<ResiliencyManifest>();
        foreach (var folder in folders)
        {
            if (!Directory.Exists(folder))
            {
                throw new ComponentException($"the resources folder {folder} does not exist");
            }

            var files = Directory.EnumerateFiles(folder).Where(file => file.EndsWith(".yaml", StringComparison.Ordinal) || file.EndsWith(".yml", StringComparison.Ordinal));
            foreach (var file in files.Order(StringComparer.Ordinal))
            {
                foreach (var document in Documents(file))
                {
                    switch (document.Text("kind"))
                    {
                        case "Component": components.Add(ToComponent(document, file)); break;
                        case "Subscription": subscriptions.Add(ToSubscription(document, file)); break;
                        case "Resiliency":
                            resiliency.Add(new(document.Map("metadata").Text("name") ?? "resiliency", document.Map("spec").Values, document.Texts("scopes")));
                            break;
                    }
                }
            }
        }

        return new ResourceSet(components, subscriptions, resiliency);
    }

    /// <summary>Reads the first Configuration of a file; null is the default of everything.</summary>
    public static AppConfiguration LoadConfiguration(string? file)
    {
        if (file is null)
        {
            return AppConfiguration.Default;
        }

        if (!File.Exists(file))
        {
            throw new ComponentException($"the configuration file {file} does not exist");
        }

        var found = Documents(file).Where(document => document.Text("kind") == "Configuration").ToArray();
        return found is [var document, ..] ? AppConfiguration.Read(document, file) : throw new ComponentException($"{file} has no resource of kind Configuration");
    }

    private static IEnumerable<YamlMap> Documents(string file)
    {
        var scanner = new Parser(new StringReader(File.ReadAllText(file)));
        var parser = new MergingParser(scanner);
        var deserializer = new DeserializerBuilder().Build();
        var documents = new List<YamlMap>();
        try
        {
            parser.Consume<YamlDotNet.Core.Events.StreamStart>();
            while (parser.Accept<YamlDotNet.Core.Events.DocumentStart>(out _))
            {
                if (deserializer.Deserialize<object?>(parser) is Dictionary<object, object?> map)
                {
                    documents.Add(new YamlMap(map));
                }
            }
        }
        catch (YamlException exception)
        {
            throw new ComponentException($"{file}:{exception.Start.Line}: {exception.Message.ReplaceLineEndings(" ")}", exception);
        }
        catch (InvalidOperationException exception)
        {
            // The scanner's way to say that a bracket or a quote is left open.
            throw new ComponentException($"{file}:{scanner.Current?.End.Line ?? 1}: what begins here is no YAML: look for an open bracket or quote", exception);
        }

        return documents;
    }

    private static ComponentManifest ToComponent(YamlMap document, string file)
    {
        var name = document.Map("metadata").Text("name") ?? throw new ComponentException($"{file}: a Component has no metadata.name");
        var spec = document.Map("spec");
        var initTimeout = DefaultInitTimeout;
        if (spec.Text("initTimeout") is { } text && !GoDuration.TryParse(text, out initTimeout))
        {
            throw new ComponentException($"{file}: initTimeout '{text}' of '{name}' is not a duration");
        }

        return new ComponentManifest
        {
            Name = name,
            Type = (spec.Text("type") ?? throw new ComponentException($"{file}: component '{name}' has no spec.type")).ToLowerInvariant(),
            Version = spec.Text("version") is { Length: > 0 } version ? version : "v1",
            Metadata = [.. spec.Maps("metadata").Select(entry => new MetadataEntry(
                entry.Text("name") ?? throw new ComponentException($"{file}: a metadata entry of '{name}' has no name"),
                entry.Text("value"), entry.Map("secretKeyRef").Text("name"), entry.Map("secretKeyRef").Text("key"), entry.Text("envRef")))],
            Scopes = document.Texts("scopes"),
            InitTimeout = initTimeout,
            IgnoreErrors = spec.Text("ignoreErrors") == "true",
            SecretStore = document.Map("auth").Text("secretStore"),
            Source = file,
        };
    }

    private static SubscriptionManifest ToSubscription(YamlMap document, string file)
    {
        var spec = document.Map("spec");
        var rules = spec.Map("routes").Maps("rules")
            .Select(rule => new RouteRule(rule.Text("match"), rule.Text("path") ?? throw new ComponentException($"{file}: a rule has no path")))
            .ToList();
        if ((spec.Map("routes").Text("default") ?? spec.Text("route")) is { } fallback)
        {
            rules.Add(new RouteRule(null, fallback));
        }

        var bulk = spec.Map("bulkSubscribe");
        return new SubscriptionManifest
        {
            PubSubName = spec.Text("pubsubname") ?? throw new ComponentException($"{file}: a Subscription has no spec.pubsubname"),
            Topic = spec.Text("topic") ?? throw new ComponentException($"{file}: a Subscription has no spec.topic"),
            Rules = rules,
            DeadLetterTopic = spec.Text("deadLetterTopic"),
            Metadata = spec.Map("metadata").Texts(),
            Bulk = bulk.Text("enabled") == "true"
                ? new BulkSubscribe(bulk.Int("maxMessagesCount", 100), TimeSpan.FromMilliseconds(bulk.Int("maxAwaitDurationMs", 1000)))
                : null,
            Scopes = document.Texts("scopes"),
            IsDeclarative = true,
        };
    }
}
