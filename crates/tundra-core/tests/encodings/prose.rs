//! Texts in the languages that the encodings were made for. Every one has eight lines, as a column
//! of remarks in an export could have them.

pub(crate) const ARABIC: &str = "\
وصلت الشحنة إلى المستودع صباح يوم الأحد وكانت كاملة
طلب العميل تغيير عنوان التسليم إلى شارع الملك فيصل
لم يتم دفع الفاتورة بعد وسنرسل تذكيرا في الأسبوع القادم
المدينة القديمة معروفة بأسواقها الصغيرة وبيوتها البيضاء
يرجى الاتصال بنا قبل زيارة المكتب لأن المواعيد محدودة
تم إصلاح الجهاز وإعادته إلى صاحبه دون أي تكلفة إضافية
هذا المنتج غير متوفر حاليا ويمكنكم اختيار لون آخر
نشكركم على صبركم ونعتذر عن التأخير في الرد على رسالتكم";

pub(crate) const CHINESE_SIMPLIFIED: &str = "\
货物已于星期一上午到达仓库，经检查没有损坏
客户要求把送货地址改到人民路二十三号
这张发票还没有付款，下个星期我们会再次提醒
这座古老的城市以小巷和白色的房屋闻名
请在来访之前打电话给我们，因为时间有限
设备已经修好并且免费送还给了主人
该产品目前没有库存，您可以选择其他颜色
感谢您的耐心等待，对迟到的答复我们深表歉意";

pub(crate) const CHINESE_TRADITIONAL: &str = "\
貨物已於星期一上午到達倉庫，經檢查沒有損壞
客戶要求把送貨地址改到中山路二十三號
這張發票還沒有付款，下個星期我們會再次提醒
這座古老的城市以小巷和白色的房屋聞名
請在來訪之前打電話給我們，因為時間有限
設備已經修好並且免費送還給了主人
該產品目前沒有庫存，您可以選擇其他顏色
感謝您的耐心等待，對遲到的答覆我們深表歉意";

pub(crate) const CZECH: &str = "\
Zásilka dorazila do skladu v pondělí ráno a byla úplná
Zákazník požádal o změnu dodací adresy na Dlouhou třídu
Účet ještě nebyl zaplacen, příští týden pošleme upomínku
Staré město je známé svými úzkými uličkami a bílými domy
Před návštěvou nám prosím zavolejte, počet míst je omezený
Přístroj byl opraven a vrácen majiteli bez dalších nákladů
Výrobek není momentálně skladem, můžete si vybrat jinou barvu
Děkujeme za trpělivost a omlouváme se za zpožděnou odpověď";

pub(crate) const FRENCH: &str = "\
La livraison est arrivée à l'entrepôt lundi matin, complète
Le client a demandé de changer l'adresse pour la rue Molière
La facture n'a pas été réglée, nous enverrons un rappel
La vieille ville est célèbre pour ses façades et ses marchés
Veuillez téléphoner avant votre visite, les places sont limitées
L'appareil a été réparé puis rendu à son propriétaire sans frais
Cet article est épuisé, choisissez peut-être un modèle différent
Merci de votre patience, et désolés pour la réponse tardive à Noël";

pub(crate) const GERMAN: &str = "\
Die Lieferung kam am Montag früh vollständig im Lager an
Der Kunde möchte die Adresse auf die Königstraße ändern
Die Rechnung ist noch nicht bezahlt, wir mahnen nächste Woche
Die alte Stadt ist für ihre Gässchen und weißen Häuser berühmt
Bitte rufen Sie uns vor dem Besuch an, die Plätze sind begrenzt
Das Gerät wurde repariert und ohne Gebühr zurückgegeben
Das Stück ist zurzeit nicht verfügbar, wählen Sie eine andere Größe
Danke für Ihre Geduld, und Entschuldigung für die späte Rückmeldung";

pub(crate) const GREEK: &str = "\
Η αποστολή έφτασε στην αποθήκη τη Δευτέρα το πρωί και ήταν πλήρης
Ο πελάτης ζήτησε να αλλάξει η διεύθυνση παράδοσης
Το τιμολόγιο δεν έχει πληρωθεί ακόμα, θα στείλουμε υπενθύμιση
Η παλιά πόλη είναι γνωστή για τα στενά δρομάκια και τα άσπρα σπίτια
Παρακαλούμε τηλεφωνήστε πριν από την επίσκεψή σας
Η συσκευή επισκευάστηκε και επιστράφηκε χωρίς επιβάρυνση
Το προϊόν δεν είναι διαθέσιμο, μπορείτε να διαλέξετε άλλο χρώμα
Ευχαριστούμε για την υπομονή σας και ζητούμε συγγνώμη για την καθυστέρηση";

pub(crate) const HEBREW: &str = "\
המשלוח הגיע למחסן ביום ראשון בבוקר והיה שלם
הלקוח ביקש לשנות את כתובת המשלוח לרחוב הרצל
החשבונית עדיין לא שולמה ונשלח תזכורת בשבוע הבא
העיר העתיקה ידועה בסמטאות הצרות ובבתים הלבנים
נא להתקשר לפני הביקור כי מספר המקומות מוגבל
המכשיר תוקן והוחזר לבעליו ללא תשלום נוסף
המוצר אינו במלאי כרגע ואפשר לבחור צבע אחר
תודה על הסבלנות ואנו מתנצלים על התשובה המאוחרת";

pub(crate) const HUNGARIAN: &str = "\
A szállítmány hétfőn reggel hiánytalanul megérkezett a raktárba
Az ügyfél a szállítási cím módosítását kérte a Kossuth útra
A számlát még nem fizették ki, jövő héten emlékeztetőt küldünk
A régi város szűk utcáiról és fehér házairól híres
Kérjük, látogatása előtt hívjon minket, a helyek száma kevés
A készüléket megjavították és térítés nélkül visszaadták
A termék jelenleg nem kapható, választhat más színűt
Köszönjük türelmét, és elnézést kérünk a késői válaszért";

pub(crate) const JAPANESE: &str = "\
荷物は月曜日の朝に倉庫へ届きました。破損はありません
お客様から配送先を本町二丁目に変更したいと連絡がありました
請求書はまだ支払われていないので、来週もう一度お知らせします
この古い町は細い路地と白い家で知られています
ご来店の前にお電話ください。席に限りがあります
修理が終わり、追加の料金なしで持ち主に返却しました
この商品は現在在庫がありません。他のカラーをお選びください
お待たせして申し訳ありません。ご理解ありがとうございます";

pub(crate) const KOREAN: &str = "\
화물은 월요일 아침에 창고에 도착했고 파손은 없었습니다
고객이 배송 주소를 중앙로로 바꾸어 달라고 요청했습니다
아직 대금이 지불되지 않아 다음 주에 다시 안내하겠습니다
이 오래된 도시는 좁은 골목과 하얀 집으로 유명합니다
방문하기 전에 전화해 주세요. 자리가 많지 않습니다
기기는 수리를 마치고 추가 비용 없이 주인에게 돌아갔습니다
이 상품은 지금 재고가 없으니 다른 색을 골라 주세요
기다려 주셔서 감사합니다. 답장이 늦어 죄송합니다";

pub(crate) const LATVIAN: &str = "\
Sūtījums pirmdienas rītā ieradās noliktavā un bija pilnīgs
Klients lūdza mainīt piegādes adresi uz Brīvības ielu
Rēķins vēl nav samaksāts, nākamajā nedēļā nosūtīsim atgādinājumu
Vecā pilsēta ir pazīstama ar šaurām ielām un baltām mājām
Lūdzu, zvaniet pirms ierašanās, jo vietu skaits ir ierobežots
Ierīce tika salabota un atdota īpašniekam bez papildu maksas
Šī prece pašlaik nav pieejama, varat izvēlēties citu krāsu
Paldies par pacietību, un atvainojamies par novēloto atbildi";

pub(crate) const LITHUANIAN: &str = "\
Siunta pirmadienio rytą atvyko į sandėlį ir buvo visa
Klientas paprašė pakeisti pristatymo adresą į Gedimino prospektą
Sąskaita dar neapmokėta, kitą savaitę išsiųsime priminimą
Senasis miestas garsėja siauromis gatvelėmis ir baltais namais
Prašome paskambinti prieš apsilankymą, nes vietų skaičius ribotas
Įrenginys buvo sutaisytas ir grąžintas savininkui nemokamai
Šios prekės šiuo metu neturime, galite rinktis kitą spalvą
Dėkojame už kantrybę ir atsiprašome už vėluojantį atsakymą";

pub(crate) const POLISH: &str = "\
Przesyłka dotarła do magazynu w poniedziałek rano i była kompletna
Klient poprosił o zmianę adresu dostawy na ulicę Świętojańską
Rachunek nie został jeszcze zapłacony, wyślemy przypomnienie
Stare miasto słynie z wąskich uliczek i białych domów
Prosimy o telefon przed wizytą, liczba miejsc jest ograniczona
Urządzenie zostało naprawione i zwrócone właścicielowi bez opłat
Ten produkt jest chwilowo niedostępny, można wybrać inną barwę
Dziękujemy za cierpliwość i przepraszamy za późną odpowiedź";

pub(crate) const RUSSIAN: &str = "\
Груз прибыл на склад в понедельник утром, повреждений нет
Клиент попросил изменить адрес доставки на улицу Пушкина
Счёт ещё не оплачен, на следующей неделе отправим напоминание
Старый город известен узкими улочками и белыми домами
Пожалуйста, позвоните перед визитом, число мест ограничено
Прибор отремонтирован и возвращён владельцу без доплаты
Этого товара сейчас нет, можно выбрать другой цвет
Благодарим за терпение и просим прощения за поздний ответ";

pub(crate) const SPANISH: &str = "\
El envío llegó al almacén el lunes por la mañana y estaba completo
El cliente pidió cambiar la dirección a la calle de Alcalá
La factura aún no está pagada, enviaremos un aviso mañana
La ciudad antigua es conocida por sus callejuelas y sus años
Llámenos antes de su visita, el número de plazas es pequeño
El aparato se reparó y se devolvió al dueño sin ningún coste más
Este artículo está agotado, ¿quizá otro color o tamaño?
Gracias por su paciencia y perdón por contestar después del día";

pub(crate) const THAI: &str = "\
สินค้ามาถึงโกดังเมื่อเช้าวันจันทร์และไม่มีความเสียหาย
ลูกค้าขอเปลี่ยนที่อยู่จัดส่งเป็นถนนสุขุมวิท
ใบแจ้งหนี้ยังไม่ได้ชำระ เราจะส่งหนังสือเตือนในสัปดาห์หน้า
เมืองเก่าแห่งนี้มีชื่อเสียงเรื่องตรอกแคบและบ้านสีขาว
กรุณาโทรศัพท์ก่อนมาเยี่ยมชม เพราะที่นั่งมีจำกัด
เครื่องได้รับการซ่อมแซมและส่งคืนเจ้าของโดยไม่คิดค่าใช้จ่าย
สินค้านี้หมดชั่วคราว ท่านสามารถเลือกสีอื่นได้
ขอบคุณที่อดทนรอ และขออภัยที่ตอบช้า";

pub(crate) const TURKISH: &str = "\
Gönderi pazartesi sabahı depoya ulaştı ve eksiksizdi
Müşteri teslimat adresinin Çınar Sokağı olarak değişmesini istedi
Fatura henüz ödenmedi, gelecek hafta hatırlatma göndereceğiz
Eski şehir dar sokakları ve beyaz evleriyle tanınır
Lütfen ziyaretinizden önce bizi arayın, yerler sınırlıdır
Cihaz onarıldı ve sahibine ücretsiz olarak geri verildi
Bu ürün şu anda stokta yok, başka bir renk seçebilirsiniz
Sabrınız için teşekkür eder, geç yanıt için özür dileriz";

pub(crate) const UKRAINIAN: &str = "\
Вантаж прибув на склад у понеділок уранці, пошкоджень немає
Клієнт попросив змінити адресу доставки на вулицю Шевченка
Рахунок ще не оплачено, наступного тижня надішлемо нагадування
Старе місто відоме вузькими вуличками та білими будинками
Будь ласка, зателефонуйте перед візитом, кількість місць обмежена
Прилад відремонтовано й повернуто власникові без доплати
Цього товару зараз немає, можна обрати інший колір
Дякуємо за терпіння і просимо вибачення за пізню відповідь";

/// In the form of windows-1258: tones are characters of their own behind the vowel.
pub(crate) const VIETNAMESE: &str = "\
Hàng đa\u{303} đê\u{301}n kho vào sáng thư\u{301} hai và không bi\u{323} hư ho\u{309}ng
Khách yêu câ\u{300}u đô\u{309}i đi\u{323}a chi\u{309} giao hàng sang đươ\u{300}ng Lê Lơ\u{323}i
Hóa đơn chưa đươ\u{323}c thanh toán, tuâ\u{300}n sau chúng tôi se\u{303} nhă\u{301}c la\u{323}i
Thành phô\u{301} cô\u{309} nô\u{309}i tiê\u{301}ng vơ\u{301}i như\u{303}ng con he\u{309}m nho\u{309}
Vui lo\u{300}ng go\u{323}i điê\u{323}n trươ\u{301}c khi đê\u{301}n vi\u{300} sô\u{301} chô\u{303} có ha\u{323}n
Máy đa\u{303} đươ\u{323}c sư\u{309}a và tra\u{309} la\u{323}i cho chu\u{309} miê\u{303}n phí
Mă\u{323}t hàng này hiê\u{323}n đa\u{303} hê\u{301}t, xin cho\u{323}n màu khác
Ca\u{309}m ơn quy\u{301} khách và xin lô\u{303}i vi\u{300} tra\u{309} lơ\u{300}i châ\u{323}m";
