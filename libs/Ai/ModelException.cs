namespace Ai;

/// <summary>A model call that failed for good: after the policy's retries, or at once when repeating cannot help.</summary>
public sealed class ModelException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="code">Stable code: MODEL_UNAVAILABLE, MODEL_REJECTED_REQUEST, MODEL_REFUSED, MODEL_ANSWER_INVALID, MODEL_CAPABILITY_MISSING.</param>
    /// <param name="message">For people; holds no prompt, picture or key.</param>
    /// <param name="isTransient">Whether the same request may succeed later.</param>
    /// <param name="innerException">Cause.</param>
    public ModelException(string code, string message, bool isTransient, Exception? innerException = null) : base(message, innerException)
    {
        Code = code;
        IsTransient = isTransient;
    }

    /// <summary>Stable code.</summary>
    public string Code { get; }

    /// <summary>Whether the same request may succeed later.</summary>
    public bool IsTransient { get; }
}
