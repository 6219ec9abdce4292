using Ai.Local;
using Ai.Local.Text;
using ScanWorker.Knowledge;

namespace ScanWorker.Tests;

/// <summary>
/// How well the lexical index finds the rule of a question, on the real rules: questions as people write them, with particles and endings, with and without
/// blanks, with typing errors, in English. The questions are ours, so the figures say that nothing got worse, not how good it is in the street.
/// </summary>
public sealed class RuleSearchTests
{
    private static readonly LexicalIndex Index = Build();

    private static readonly (string Question, string Rule)[] Questions =
    [
        ("유리병은 어떻게 버려요?", "유리병"), ("소주병을 돌려주면 돈을 받나요", "유리병"), ("맥주병도 분리수거 되나요?", "유리병"), ("빈병 보증금 알려 주세요", "유리병"),
        ("신문지는 어떻게 내놓나요", "종이"), ("택배 상자에 붙은 테이프", "종이"), ("골판지박스 접어야 하나요?", "종이"), ("책이랑 공책 버리는 법", "종이"),
        ("우유팩 씻어서 버리나요?", "종이팩"), ("두유팩은 종이랑 같이 버려도 돼요?", "종이팩"), ("멸균팩 배출 방법", "종이팩"),
        ("투명 페트병 라벨", "무색페트병"), ("생수 페트병은요?", "무색페트병"), ("무색 페트 병 뚜껑", "무색페트병"), ("음료수 페트병 찌그러뜨려야 하나요", "무색페트병"),
        ("플라스틱용기 버리기", "플라스틱류"), ("샴푸통은 어디에 버려요", "플라스틱류"), ("세제 용기 펌프 분리", "플라스틱류"),
        ("비닐봉투 버리는 방법", "비닐류"), ("과자봉지는 어떻게 하나요?", "비닐류"), ("라면 봉지", "비닐류"),
        ("스티로폼 상자는요", "발포합성수지"), ("스티로품 완충재", "발포합성수지"), ("컵라면 용기 스티로폼", "발포합성수지"),
        ("알루미늄캔", "금속류"), ("음료 캔은 찌그러뜨려요?", "금속류"), ("부탄가스통 구멍", "금속류"), ("고철 프라이팬", "금속류"),
        ("건전지는 어디에 버려요?", "전지"), ("보조배터리 버리는 법", "전지"), ("폐건전지함", "전지"),
        ("형광등은 깨지지 않게", "조명제품"), ("LED 전구 버리기", "조명제품"), ("형광램프 수거함", "조명제품"),
        ("냉장고 무상 수거", "전기전자제품"), ("고장난 선풍기 버리기", "전기전자제품"), ("헌 노트북이랑 휴대폰", "전기전자제품"),
        ("헌옷은 어디에", "의류및원단"), ("안 입는 옷이랑 신발", "의류및원단"), ("이불도 의류수거함에 넣어요?", "의류및원단"),
        ("소파 버릴 때 스티커", "대형폐기물"), ("장롱 버리는 수수료", "대형폐기물"), ("침대매트리스 신고", "대형폐기물"),
        ("음식물쓰레기 물기", "음식물류폐기물"), ("과일껍질은 음식물인가요", "음식물류폐기물"), ("남은 밥 버리기", "음식물류폐기물"),
        ("깨진 도자기", "불연성종량제폐기물"), ("화분 버리는 법", "불연성종량제폐기물"), ("거울이 깨졌어요", "불연성종량제폐기물"),
        ("유통기한 지난 약", "생활계유해폐기물"), ("폐의약품 약국", "생활계유해폐기물"), ("농약 남은 것", "생활계유해폐기물"),
        ("기저귀는 종량제 봉투", "일반종량제폐기물"), ("휴지랑 물티슈", "일반종량제폐기물"), ("고무장갑 버리기", "일반종량제폐기물"),
        ("집 수리하고 나온 벽돌", "공사장생활폐기물"), ("콘크리트 조각", "공사장생활폐기물"),
        ("how do I throw away glass bottles", "유리병"), ("empty batteries", "전지"), ("old clothes and shoes", "의류및원단"),
        ("where do plastic bags go", "비닐류"), ("milk cartons", "종이팩"), ("broken fluorescent lamp", "조명제품"), ("food leftovers", "음식물류폐기물"), ("big furniture like a sofa", "대형폐기물"),
    ];

    private static LexicalIndex Build()
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "Knowledge");
        var rules = DisposalRules.Load(folder, Taxonomy.Load(folder));
        var index = new LexicalIndex(new LexicalWords(
            new Dictionary<string, string> { ["핸드폰"] = "휴대폰", ["생수병"] = "페트병", ["박스"] = "상자", ["분리수거"] = "분리배출" }, ["버려", "버리", "버릴", "배출", "방법"]));
        foreach (var rule in rules.Keys.Select(key => rules.Find(key.Split('_')[0], key.Split('_')[^1])!))
        {
            index.Add(new LexicalDocument(
                rule.Key, $"{rule.Name} {rule.English.Name}",
                string.Join('\n', [
                    string.Join(", ", rule.Items), string.Join(", ", rule.Groups.SelectMany(group => group.Value.Prepend(group.Key))), .. rule.Description,
                    .. rule.CommonSteps, .. rule.SpecificSteps.SelectMany(steps => steps.Value.Prepend(steps.Key)), rule.English.Summary, .. rule.English.Steps,
                ]))
            {
                Tags = [.. rule.Items, .. rule.Groups.SelectMany(group => group.Value)],
            });
        }

        return index;
    }

    [Fact]
    public void Finds_the_rule_first_or_nearly_first()
    {
        var places = Questions.Select(asked =>
            (asked, Place: Index.Search(asked.Question, top: 3).Select(hit => hit.Document.Id.Split('_')[^1]).ToList().IndexOf(asked.Rule))).ToArray();
        var first = places.Count(place => place.Place == 0);
        var third = places.Count(place => place.Place >= 0);

        TestContext.Current.TestOutputHelper!.WriteLine($"{Questions.Length} questions, first {first}, among the first three {third}");
        var missed = string.Join("; ", places.Where(place => place.Place != 0).Select(place => $"{place.asked.Question} ({place.Place})"));
        Assert.True(first >= 0.9 * Questions.Length, $"{first} of {Questions.Length} first; missed: {missed}");
        Assert.True(third >= 0.9 * Questions.Length, $"{third} of {Questions.Length} among the first three; missed: {missed}");
    }

    [Theory]
    [InlineData("오늘 저녁 메뉴 추천해 줘")]
    [InlineData("축구 경기 몇 시에 시작해?")]
    [InlineData("Tell me a story about dragons")]
    [InlineData("주식 투자로 부자 되고 싶어")]
    public void Has_little_to_say_of_something_else(string question) => Assert.All(Index.Search(question, top: 1), hit => Assert.InRange(hit.Score, 0, new LocalOptions().AnswerThreshold));
}
