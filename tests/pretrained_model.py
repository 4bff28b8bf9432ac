"""What the real classes make of a model folder, with none of our code in sight."""

from transformers import AutoModelForImageTextToText, AutoProcessor


def real_answer(folder, picture, prompt):
    """Name of the processor, ids of the prompt, and the greedy answer.

    In float32: in bfloat16 two words can be equally likely, and processors differ in which is said.
    """
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype="float32")
    processor = AutoProcessor.from_pretrained(folder)
    content = [{"type": "image", "image": picture}, {"type": "text", "text": prompt}]
    inputs = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    said = model.generate(**inputs, max_new_tokens=64)  # type: ignore[attr-defined]
    answer = processor.decode(said[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return type(processor).__name__, inputs["input_ids"].tolist(), answer
