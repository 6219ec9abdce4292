using Microsoft.Extensions.Options;

namespace Desk.Features;

/// <summary>
/// The paths that the original service had, without a prefix: on the app's own port only, no route of the gateway leads to them. Nobody asks there who somebody
/// is, so they are for Development, and elsewhere for whoever turns them on and keeps strangers off the port.
/// </summary>
internal static class OriginalPaths
{
    /// <summary>Whose requests these are.</summary>
    public const string User = "direct";

    public static void MapOriginalPaths(this WebApplication app)
    {
        if (!(app.Services.GetRequiredService<IOptions<DeskOptions>>().Value.OriginalPaths ?? app.Environment.IsDevelopment()))
        {
            return;
        }

        var routes = app.MapGroup("").ExcludeFromDescription();
        routes.MapOriginalClassify();
        routes.MapOriginalGenerate();
        routes.MapOriginalTask();
        routes.MapOriginalPlanRestyle();
        routes.MapOriginalInfo();
        routes.MapOriginalCategories();
    }
}
