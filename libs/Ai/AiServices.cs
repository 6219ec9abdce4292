using Ai.Local;
using Ai.Local.Vision;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ai;

/// <summary>Registration of model access.</summary>
public static class AiServices
{
    /// <summary>Adds <see cref="IChatModels"/> with options from section <see cref="AiOptions.Section"/>.</summary>
    public static IServiceCollection AddChatModels(this IServiceCollection services)
    {
        services.AddOptions<AiOptions>()
            .BindConfiguration(AiOptions.Section)
            .PostConfigure<IConfiguration>((options, configuration) =>
                options.OpenAi.ApiKey = options.OpenAi.ApiKey is { Length: > 0 } key ? key : configuration["OPENAI_API_KEY"])
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IChatModels, ChatModels>();
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

    /// <summary>Adds what the local provider can do for one task.</summary>
    public static IServiceCollection AddLocalSkill<TSkill>(this IServiceCollection services) where TSkill : class, ILocalSkill
    {
        services.AddSingleton<ILocalSkill, TSkill>();
        return services;
    }
}
