namespace Ai.Local.Text;

/// <summary>Which of the platform's two languages a text is in.</summary>
public static class TextLanguage
{
    private const double KoreanShare = 0.2;

    /// <summary>Hangul is at least a fifth of the letters, or there are no letters.</summary>
    public static bool IsKorean(string text)
    {
        int letters = 0, hangul = 0;
        foreach (var character in text.Where(char.IsLetter))
        {
            letters++;
            hangul += character is (>= '가' and <= '힣') or (>= 'ᄀ' and <= 'ᇿ') or (>= '㄰' and <= '㆏') ? 1 : 0;
        }

        return letters == 0 || hangul >= letters * KoreanShare;
    }
}
