using Ai.Calls;
using Ai.Catalogue;
using Ai.Local;
using Ai.Local.Vision;
using Ai.Policies;
using Ai.Providers;
using Ai.Providers.Anthropic;
using Ai.Providers.Google;
using Ai.Providers.OpenAi;
using Ai.Sharing;
using Dapr.Client;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ai;

/// <summary>Registration of model access.</summary>
public static class AiServices
{
    /// <summary>Adds <see cref="IModels"/> with options from section <see cref="AiOptions.Section"/>, all providers and all policies.</summary>
    public static IServiceCollection AddModels(this IServiceCollection services)
    {
        services.AddOptions<AiOptions>().BindConfiguration(AiOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ModelCatalogue>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AiOptions>, AiOptionsValidator>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<AiOptions>, ConfiguredProviders>());
        services.TryAddSingleton<IProviderKeys, ProviderKeyReader>();
        services.TryAddSingleton<ProviderConnections>();
        services.TryAddSingleton<ProviderClients>();
        services.TryAddSingleton<ModelPipeline>();
        services.TryAddSingleton<IModels, Models>();
        if (!services.Any(service => service.ImplementationType == typeof(ModelExceptionHandler)))
        {
            // Handlers are asked in the order of their registration, and an app's own takes everything.
            services.Insert(0, ServiceDescriptor.Singleton<IExceptionHandler, ModelExceptionHandler>());
        }

        // An app without a Dapr client has no shared state: each process keeps its own.
        services.TryAddSingleton(provider =>
        {
            var options = provider.GetRequiredService<IOptions<AiOptions>>();
            var state = provider.GetService<ISharedState>()
                ?? (provider.GetService<DaprClient>() is { } dapr ? new DaprSharedState(dapr, options.Value.Store.Name) : null);
            return new SharedState(
                options, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<SharedState>>(), state);
        });

        services.TryAddSingleton<IModelAvailability, ModelAvailability>();

        services.AddOptions<LocalOptions>().BindConfiguration(LocalOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IModelProvider, LocalProvider>(provider => new LocalProvider(
            provider.GetServices<ILocalSkill>(), provider.GetRequiredService<IOptions<LocalOptions>>().Value,
            () => [.. provider.GetRequiredService<ModelCatalogue>().All.Where(model => model.Provider != LocalProvider.Name).Select(model => model.Id)])));
        services.AddModelProvider<OpenAiProvider>();
        services.AddModelProvider<AnthropicProvider>();
        services.AddModelProvider<GeminiProvider>();
        services.AddModelProvider<VertexProvider>();

        services.TryAddSingleton<Breakers>();
        services.TryAddSingleton<KeyPools>();
        services.TryAddSingleton<FallbackChains>();
        services.TryAddSingleton<IModelHealth, ModelHealth>();

        services.AddModelPolicy<TotalTimeoutPolicy>();
        services.AddModelPolicy<FallbackPolicy>();
        services.AddModelPolicy<TelemetryPolicy>();
        services.AddModelPolicy<ModerationPolicy>();
        services.AddModelPolicy<CachePolicy>();
        services.AddModelPolicy<BudgetPolicy>();
        services.AddModelPolicy<AdmissionPolicy>();
        services.AddModelPolicy<RetryPolicy>();
        services.AddModelPolicy<BreakerPolicy>();
        services.AddModelPolicy<KeysPolicy>();
        services.AddModelPolicy<TimeoutsPolicy>();
        return services;
    }

    /// <summary>Says what a task asks of its model, which is then checked at the start.</summary>
    public static IServiceCollection AddModelTask(this IServiceCollection services, string task, ModelCapabilities needs) =>
        services.AddSingleton(new ModelTask(task, needs));

    /// <summary>Adds a kind of provider.</summary>
    public static IServiceCollection AddModelProvider<TProvider>(this IServiceCollection services) where TProvider : class, IModelProvider
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IModelProvider, TProvider>());
        return services;
    }

    /// <summary>Adds a policy at its place.</summary>
    public static IServiceCollection AddModelPolicy<TPolicy>(this IServiceCollection services) where TPolicy : class, IModelPolicy
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IModelPolicy, TPolicy>());
        return services;
    }

    /// <summary>Adds what the local provider can do for one task.</summary>
    public static IServiceCollection AddLocalSkill<TSkill>(this IServiceCollection services) where TSkill : class, ILocalSkill
    {
        services.AddSingleton<ILocalSkill, TSkill>();
        return services;
    }

    /// <summary>Adds <see cref="PictureClassifier"/> with options from section <see cref="PictureClassifierOptions.Section"/>.</summary>
    public static IServiceCollection AddPictureClassifier(this IServiceCollection services)
    {
        services.AddOptions<PictureClassifierOptions>()
            .BindConfiguration(PictureClassifierOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton(provider => new PictureClassifier(
            provider.GetRequiredService<IOptions<PictureClassifierOptions>>().Value, provider.GetService<ILogger<PictureClassifier>>()));
        return services;
    }
}
