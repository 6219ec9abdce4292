using ServiceDefaults;

namespace Scan.Features;

/// <summary><c>GET /api/v1/scan/categories</c>: the four kinds of waste that people see first.</summary>
internal static class GetCategories
{
    public sealed record Category(int Id, string Name, string DisplayName, IReadOnlyList<string> Instructions);

    private static readonly Category[] Categories =
    [
        new(1, "recyclable", "재활용폐기물", ["내용물을 비우고 헹궈요", "라벨과 부속품을 떼어 내요", "재질별로 나눠 배출해요"]),
        new(2, "general", "일반폐기물", ["종량제 봉투에 담아요", "음식물이 섞이지 않게 해요"]),
        new(3, "food", "음식물폐기물", ["물기를 꼭 짜요", "음식물 전용 봉투나 수거함을 이용해요"]),
        new(4, "bulky", "대형폐기물", ["구청이나 주민센터에 신고해요", "신고필증 스티커를 붙여요"]),
    ];

    public static void MapGetCategories(this IEndpointRouteBuilder scan) =>
        scan.MapGet("/categories", () => TypedResults.Ok(Categories)).WithName(nameof(GetCategories)).WithAnswerExample(Categories);
}
