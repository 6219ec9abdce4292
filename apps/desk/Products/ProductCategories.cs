namespace Desk.Products;

/// <summary>A main category with those within it.</summary>
/// <param name="Name">Name of the main category, as products have it.</param>
/// <param name="SubCategories">Names of those within it.</param>
public sealed record ProductCategory(string Name, IReadOnlyList<string> SubCategories);

/// <summary>
/// The categories that things of a desk have when <see cref="ProductRules.CategoryOf"/> names them: a proposal for menus. A shop has more, so a product may have others.
/// </summary>
public static class ProductCategories
{
    /// <summary>All of them; the name of a subcategory is there once.</summary>
    public static IReadOnlyList<ProductCategory> All { get; } =
    [
        new("서재/사무용가구", ["책상", "사무용의자", "책꽂이", "책장", "서랍장", "발받침대"]),
        new("모니터", ["사무용모니터", "휴대용모니터"]),
        new("모니터주변기기", ["모니터받침대", "모니터암", "모니터조명"]),
        new("키보드", ["무선키보드", "기계식키보드", "인체공학키보드"]),
        new("마우스", ["무선마우스", "버티컬마우스", "트랙볼마우스"]),
        new("마우스/키보드용품", ["마우스패드", "장패드", "손목받침대"]),
        new("노트북액세서리", ["노트북거치대", "노트북쿨러", "노트북파우치"]),
        new("케이블/허브", ["USB허브", "케이블정리함", "케이블홀더", "멀티탭"]),
        new("음향기기", ["PC스피커", "헤드폰", "헤드폰거치대"]),
        new("휴대폰액세서리", ["휴대폰거치대", "무선충전기"]),
        new("스탠드", ["책상스탠드", "무드등"]),
        new("시계", ["탁상시계"]),
        new("화분/식물", ["미니화분", "다육식물", "조화"]),
        new("문구/사무용품", ["연필꽂이", "데스크정리함", "메모보드", "탁상달력"]),
        new("인테리어소품", ["디퓨저", "캔들", "액자", "피규어"]),
        new("컵/텀블러", ["머그컵", "텀블러", "컵받침"]),
        new(ProductRules.OtherCategory, [ProductRules.OtherCategory]),
    ];
}
