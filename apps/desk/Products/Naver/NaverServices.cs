namespace Desk.Products.Naver;

/// <summary>Registration of the search at Naver.</summary>
internal static class NaverServices
{
    public static void AddNaver(this IServiceCollection services)
    {
        services.AddOptions<NaverOptions>().BindConfiguration(NaverOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<NaverCredentials>();
    }
}
