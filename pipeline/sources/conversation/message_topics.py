"""What a message is about, by its words: the parcel or the product. Platforms do not say it."""

from __future__ import annotations

import polars as pl

from pipeline.sources.phrases import fold_letters

PARCEL, PRODUCT = "parcel", "product"
# (topic, words in several languages), searched in small letters without accents; the first topic
# that matches counts. A product that arrived broken is about the product, so that comes first.
WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        PRODUCT,
        (
            "damage",
            "broke",
            "crack",
            "defect",
            "faulty",
            "(does|do|did)(n.?t| not) work",
            "not working",
            "wrong (size|colou?r|item|product|model)",
            "size",
            "colou?r",
            "picture",
            "photo",
            "descri(bed|ption)",
            "quality",
            "fake",
            "missing",
            "is not what",
            "сломан",
            "брак",
            "размер",
            "цвет",
            "не работает",
            "качеств",
            "не хватает",
            "roto",
            "rota",
            "danad",
            "defectuos",
            "talla",
            "no funciona",
            "calidad",
            "quebrad",
            "danificad",
            "defeit",
            "tamanho",
            "nao funciona",
            "qualidade",
            "casse",
            "abime",
            "taille",
            "ne marche pas",
            "qualite",
            "kaputt",
            "beschadigt",
            "grosse",
            "funktioniert nicht",
            "rotto",
            "taglia",
            "质量",
            "尺寸",
            "颜色",
            "坏",
            "破损",
            "少发",
            "描述不符",
        ),
    ),
    (
        PARCEL,
        (
            "parcel",
            "package",
            "track",
            "shipp",
            "shipment",
            "deliver",
            "arriv",
            "carrier",
            "courier",
            "customs",
            "post office",
            "where is",
            "lost",
            "not (yet )?received",
            "when (will|does|do|can|is)",
            "посыл",
            "трек",
            "отслеж",
            "доставк",
            "отправ",
            "когда",
            "тамож",
            "paquete",
            "pedido",
            "envio",
            "llega",
            "seguimiento",
            "aduana",
            "pacote",
            "encomenda",
            "rastre",
            "entrega",
            "chega",
            "alfandega",
            "colis",
            "livraison",
            "suivi",
            "arrive",
            "douane",
            "paket",
            "lieferung",
            "sendung",
            "zoll",
            "pacco",
            "spedizione",
            "consegna",
            "dogana",
            "包裹",
            "物流",
            "快递",
            "发货",
            "到货",
            "海关",
            "单号",
        ),
    ),
)


def topic_of(text: pl.Expr) -> pl.Expr:
    """`parcel`, `product`, or null for a message about something else."""
    folded = text.str.to_lowercase().str.normalize("NFKD").str.replace_all("[\u0300-\u036f]", "")
    folded = folded.str.normalize("NFC")
    topic = pl.lit(None, pl.String)
    for name, words in reversed(WORDS):
        pattern = "|".join(fold_letters(word) for word in words)
        topic = pl.when(folded.str.contains(pattern)).then(pl.lit(name)).otherwise(topic)
    return topic
