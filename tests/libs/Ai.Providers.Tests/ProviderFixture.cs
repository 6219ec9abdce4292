using Ai.Providers;
using ModelServers;

namespace Ai.Providers.Tests;

/// <summary>A provider and the server that speaks its protocol: all that the contract suites need to know of it.</summary>
public abstract class ProviderFixture
{
    /// <summary>The server's side.</summary>
    public abstract IModelProtocol Protocol { get; }

    /// <summary>Our side.</summary>
    public abstract IModelProvider Provider { get; }

    /// <summary>A model for text.</summary>
    public abstract string Model { get; }

    /// <summary>A model for embeddings; null where the provider has none.</summary>
    public virtual string? EmbeddingModel => null;

    /// <summary>A model for pictures; null where the provider has none.</summary>
    public virtual string? ImageModel => null;

    /// <summary>The models that the server lists.</summary>
    public virtual IReadOnlyList<string> Models => [];

    /// <summary>What the server sees when a picture of this size is asked for.</summary>
    public virtual string? SizeOf(int width, int height) => $"{width}x{height}";

    /// <summary>The API key of the connection; null where the provider takes none.</summary>
    public virtual string? Key => "sk-contract-0123456789abcdefABCDEF";

    /// <summary>The credential that the server must see: the key, or what the provider got for it.</summary>
    public virtual string? Credential => Key;

    /// <summary>Options of the connection.</summary>
    public virtual ProviderOptions Options(Uri baseUrl) => new() { Kind = Provider.Kind, BaseUrl = baseUrl };

    /// <summary>Whether answers tell the tokens used.</summary>
    public virtual bool TellsUsage => true;

    /// <summary>Whether embeddings tell the tokens used.</summary>
    public virtual bool TellsEmbeddingUsage => TellsUsage;

    /// <summary>Whether calls of tools have ids of the provider.</summary>
    public virtual bool TellsToolCallIds => true;

    /// <summary>Whether a temperature is sent; without it is left out.</summary>
    public virtual bool TakesTemperature => true;
}
