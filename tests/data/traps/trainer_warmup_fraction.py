"""TrainingArguments takes a fraction for warmup_steps since transformers 5."""
from datasets import load_dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments

tokenizer = AutoTokenizer.from_pretrained("distilbert-base-uncased")
data = load_dataset("imdb").map(lambda row: tokenizer(row["text"], truncation=True), batched=True)
model = AutoModelForSequenceClassification.from_pretrained("distilbert-base-uncased", num_labels=2)
args = TrainingArguments(
    output_dir="out",
    learning_rate=2e-5,
    num_train_epochs=3,
    per_device_train_batch_size=16,
    lr_scheduler_type="cosine",
    warmup_steps=0.1,
)
Trainer(model=model, args=args, train_dataset=data["train"], eval_dataset=data["test"], processing_class=tokenizer).train()
